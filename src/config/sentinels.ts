/**
 * Celery says beside the URL, in the transport options, which server the sentinels are asked for, and their own password. Here the URL says
 * it all, since it is what everybody is handed: what stands in the options becomes parameters of the URL.
 */
import type { Settings } from './schema.js'

type Beside = Settings['brokerTransportOptions']

/** Completes `brokerUrl` and `resultBackend` where they are sentinels; what the URL says itself stands. */
export function completeSentinels(values: Partial<Record<keyof Settings, unknown>>): void {
  values.brokerUrl = complete(values.brokerUrl, values.brokerTransportOptions as Beside)
  values.resultBackend = complete(values.resultBackend, values.resultBackendTransportOptions as Beside)
}

function complete(url: unknown, { masterName, sentinelKwargs }: Beside): unknown {
  if (typeof url !== 'string' || !/^sentinel:\/\//i.test(url)) return url
  const beside = {
    master: masterName,
    sentinelUsername: sentinelKwargs?.username,
    sentinelPassword: sentinelKwargs?.password,
    sentinelTls: sentinelKwargs?.ssl === true ? 'true' : undefined,
  }
  let text = url
  for (const [name, value] of Object.entries(beside)) {
    if (value === undefined || url.includes(`?${name}=`) || url.includes(`&${name}=`)) continue
    text += `${text.includes('?') ? '&' : '?'}${name}=${encodeURIComponent(value)}`
  }
  return text
}
