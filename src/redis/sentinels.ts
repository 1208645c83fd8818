/**
 * `sentinel://` URLs, in two forms: ours, `sentinel://[user:password@]h1:26379,h2:26379/0?master=mymaster`, and Celery's, one URL for each
 * sentinel with `;` between them, where user, password and database are those of the first. Both are for the server, not for the sentinels;
 * what the sentinels want to hear is `sentinelUsername` and `sentinelPassword` among the parameters. `tls=true` is for the server,
 * `sentinelTls=true` for the sentinels.
 */
export interface Sentinels {
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  readonly db: number
  readonly master: string
  readonly username: string | undefined
  readonly password: string | undefined
  readonly sentinelUsername: string | undefined
  readonly sentinelPassword: string | undefined
  readonly tls: boolean
  readonly sentinelTls: boolean
}

const DEFAULT_PORT = 26_379
/** Milliseconds a sentinel has to answer, and between two rounds of asking when none did. */
const ANSWER_MS = 1_000
const ROUND_MS = 250

export function isSentinelUrl(url: string): boolean {
  return /^sentinel:\/\//i.test(url)
}

/** The parts, or in one sentence what is wrong. */
export function readSentinelUrl(url: string): Sentinels | string {
  const parts = url.split(/;\s*(?=sentinel:\/\/)/i)
  const urls: URL[] = []
  for (const [index, part] of parts.entries()) {
    const [, user = '', hosts = '', rest = ''] = /^sentinel:\/\/(.*@)?([^/?#]*)(.*)$/is.exec(part) ?? []
    for (const [place, host] of hosts.split(',').entries()) {
      const text = `redis://${place === 0 ? user : ''}${host.trim()}${place === 0 ? rest : ''}`
      if (host.trim() === '' || !URL.canParse(text)) return `${index + place === 0 ? 'it' : 'one of its parts'} names no sentinel`
      urls.push(new URL(text))
    }
  }
  const [first] = urls as [URL]
  const paths = urls.map(({ pathname }) => pathname.replace(/^\//, ''))
  const path = paths[0] ?? ''
  if (!/^\d{0,5}$/.test(path)) return `the database is a number, not ${JSON.stringify(path)}`
  // As Celery reads it; whoever wrote it at the last one only would share no queue with Python's workers.
  if (paths.some((other) => other !== '' && other !== path))
    return 'the database is that of the first URL, and another one names a different one'
  const parameter = (name: string) => urls.map(({ searchParams }) => searchParams.get(name)).find((value) => value !== null) ?? undefined
  const master = parameter('master')
  if (master === undefined || master === '') return 'it does not say which server the sentinels are asked for'
  for (const name of ['tls', 'sentinelTls']) {
    const value = parameter(name) ?? 'false'
    if (value !== 'true' && value !== 'false') return `${name} is true or false, not ${JSON.stringify(value)}`
  }
  return {
    hosts: urls.map(({ hostname, port }) => ({ host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? DEFAULT_PORT : Number(port) })),
    db: Number(path),
    master,
    username: decoded(first.username),
    password: decoded(first.password),
    sentinelUsername: parameter('sentinelUsername'),
    sentinelPassword: parameter('sentinelPassword'),
    tls: parameter('tls') === 'true',
    sentinelTls: parameter('sentinelTls') === 'true',
  }
}

/** Which server this is: the same sentinels asked for the same name find the same one, in whatever order they are written. */
export function serverOf({ hosts, master }: Sentinels): string {
  const names = hosts.map(({ host, port }) => `${host}:${port}`)
  return `sentinel://${[...new Set(names)].sort().join(',')}?master=${encodeURIComponent(master)}`
}

/**
 * How the client library finds the primary, anew for each connection. It does not listen for failovers: sentinels that demote a server cut
 * its connections, and one that is gone answers nothing.
 */
export function sentinelOptions(from: Sentinels) {
  return {
    sentinels: [...from.hosts],
    name: from.master,
    role: 'master' as const,
    db: from.db,
    ...(from.username === undefined ? {} : { username: from.username }),
    ...(from.password === undefined ? {} : { password: from.password }),
    ...(from.sentinelUsername === undefined ? {} : { sentinelUsername: from.sentinelUsername }),
    ...(from.sentinelPassword === undefined ? {} : { sentinelPassword: from.sentinelPassword }),
    ...(from.tls ? { tls: {}, enableTLSForSentinelMode: true } : {}),
    ...(from.sentinelTls ? { sentinelTLS: {} } : {}),
    updateSentinels: true,
    sentinelCommandTimeout: ANSWER_MS,
    sentinelRetryStrategy: () => ROUND_MS * (0.5 + Math.random()),
  }
}

function decoded(text: string): string | undefined {
  if (text === '') return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return text // a `%` that encodes nothing
  }
}
