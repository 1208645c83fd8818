/** Where a server is: what a URL says of it. */
import { CelerityError } from '../errors.js'
import { maskUrl } from '../mask.js'
import { isSentinelUrl, readSentinelUrl, type Sentinels, serverOf } from './sentinels.js'

export interface RedisAddress {
  readonly url: string
  readonly db: number
  /** `redis://host:port`, or the sentinels and whom they are asked for: which server, without database and secrets. */
  readonly server: string
  /** Who knows where the server is; absent: the URL does. */
  readonly sentinels?: Sentinels
}

/** @throws CelerityError when the URL is none of redis:// rediss:// sentinel://, or its path is no database number */
export function parseRedisUrl(url: string, code: 'E_BROKER_UNREACHABLE' | 'E_RESULTS_UNREACHABLE'): RedisAddress {
  if (isSentinelUrl(url)) {
    const sentinels = readSentinelUrl(url)
    if (typeof sentinels === 'string') throw badUrl(sentinels)
    return { url, db: sentinels.db, server: serverOf(sentinels), sentinels }
  }
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch (cause) {
    throw badUrl('it is no URL', cause)
  }
  const path = parsed.pathname.replace(/^\//, '')
  if (path !== '' && !/^\d{1,5}$/.test(path)) throw badUrl(`the database is a number, not ${JSON.stringify(path)}`)
  const port = parsed.port || '6379'
  return { url, db: path === '' ? 0 : Number(path), server: `${parsed.protocol}//${parsed.hostname || 'localhost'}:${port}` }

  function badUrl(why: string, cause?: unknown): CelerityError {
    const ofBroker = code === 'E_BROKER_UNREACHABLE'
    return new CelerityError(ofBroker ? 'E_BROKER_URL' : 'E_RESULTS_URL', {
      message: `The ${ofBroker ? 'broker' : 'result backend'} URL ${maskUrl(url)} can't be used: ${why}`,
      hint: isSentinelUrl(url) ? SENTINEL_HINT : 'Redis is redis://[user:password@]host[:port][/database], or rediss:// with TLS.',
      cause,
    })
  }
}

const SENTINEL_HINT =
  'Sentinels are sentinel://[user:password@]host1:26379,host2:26379[/database]?master=NAME; the name may also be masterName of the transport options.'
