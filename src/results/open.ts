/** From a URL to a result store. An adapter, and the client library behind it, is loaded when its scheme is used. */
import { CelerityError } from '../errors.js'
import { maskUrl } from '../mask.js'
import { type ResultOptions, resultOptions } from './options.js'
import type { ResultStore } from './store.js'

type Open = (url: string, options: ResultOptions) => Promise<ResultStore>

const ADAPTERS: Readonly<Record<string, () => Promise<Open>>> = {
  memory: async () => (await import('./memory/adapter.js')).openMemoryResults,
  sqlite: async () => (await import('./sqlite/adapter.js')).openSqliteResults,
  redis: async () => (await import('./redis/adapter.js')).openRedisResults,
  rediss: async () => (await import('./redis/adapter.js')).openRedisResults,
  sentinel: async () => (await import('./redis/adapter.js')).openRedisResults,
}

/** The schemes the URL of a result store may have. */
export const RESULT_SCHEMES: readonly string[] = Object.keys(ADAPTERS)

/**
 * Opens the result store of `url`: `memory://name`, `sqlite:path/to/file.db`, `redis://[user:password@]host[:port][/db]`, `rediss://…`,
 * `sentinel://host1:26379,host2:26379[/db]?master=NAME`.
 *
 * @throws E_RESULTS_URL for a scheme or form that is not known, E_RESULTS_UNREACHABLE
 */
export async function openResults(url: string, options: Partial<ResultOptions> = {}): Promise<ResultStore> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? ''
  const load = Object.hasOwn(ADAPTERS, scheme) ? ADAPTERS[scheme] : undefined
  if (load === undefined) {
    throw new CelerityError('E_RESULTS_URL', {
      message: `No result store is known for the URL ${maskUrl(url) || '(empty)'}`,
      hint: `Known schemes: ${RESULT_SCHEMES.join(', ')}; such as sqlite:.tasks/tasks.db or redis://127.0.0.1:6379/0.`,
    })
  }
  const open = await load()
  return open(url, resultOptions(options))
}
