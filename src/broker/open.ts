/** From a URL to a broker. An adapter, and the client library behind it, is loaded when its scheme is used. */
import { CelerityError } from '../errors.js'
import { maskUrl } from '../mask.js'
import type { Broker } from './broker.js'
import { type BrokerOptions, brokerOptions } from './options.js'

type Open = (url: string, options: BrokerOptions) => Promise<Broker>

const ADAPTERS: Readonly<Record<string, () => Promise<Open>>> = {
  memory: async () => (await import('./memory/adapter.js')).openMemoryBroker,
  sqlite: async () => (await import('./sqlite/adapter.js')).openSqliteBroker,
  redis: async () => (await import('./redis/adapter.js')).openRedisBroker,
  rediss: async () => (await import('./redis/adapter.js')).openRedisBroker,
  sentinel: async () => (await import('./redis/adapter.js')).openRedisBroker,
}

/** The schemes a broker URL may have. */
export const BROKER_SCHEMES: readonly string[] = Object.keys(ADAPTERS)

/**
 * Opens the broker of `url`: `memory://name`, `sqlite:path/to/file.db`, `redis://[user:password@]host[:port][/db]`, `rediss://…`,
 * `sentinel://host1:26379,host2:26379[/db]?master=NAME`.
 *
 * @throws E_BROKER_URL for a scheme or form that is not known, E_BROKER_UNREACHABLE, E_BROKER_REFUSED, E_BROKER_UNSAFE
 */
export async function openBroker(url: string, options: Partial<BrokerOptions> = {}): Promise<Broker> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? ''
  const load = Object.hasOwn(ADAPTERS, scheme) ? ADAPTERS[scheme] : undefined
  if (load === undefined) {
    throw new CelerityError('E_BROKER_URL', {
      message: `No broker is known for the URL ${maskUrl(url) || '(empty)'}`,
      hint: `Known schemes: ${BROKER_SCHEMES.join(', ')}; such as sqlite:.tasks/tasks.db or redis://127.0.0.1:6379/0.`,
    })
  }
  const open = await load()
  return open(url, brokerOptions(options))
}
