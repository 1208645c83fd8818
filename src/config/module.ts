/** Loads a module of the user's: TypeScript through jiti, plain JavaScript by Node itself. */
import { existsSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const TYPESCRIPT = new Set(['.ts', '.mts', '.cts', '.tsx'])

export type Exports = Readonly<Record<string, unknown>>

/**
 * The exports of the module at `path` (absolute).
 *
 * @throws whatever the module throws, or Node's own error when there is none
 */
export async function importModule(path: string): Promise<Exports> {
  if (!TYPESCRIPT.has(extname(path))) return (await import(pathToFileURL(path).href)) as Exports
  const { createJiti } = await import('jiti')
  // jiti shares Node's module cache, so the user's module gets this very copy of our package and not a second one.
  return await createJiti(pathToFileURL(path).href, { fsCache: cacheFolder(path) }).import<Exports>(path)
}

/**
 * Where jiti keeps what it compiled: beside the packages of the module. Left to itself it may take a folder in /tmp that everybody can write
 * to, and code that is run must not come from there.
 */
function cacheFolder(path: string): string | false {
  const folder = dirname(path)
  const packages = join(folder, 'node_modules')
  if (existsSync(packages)) return join(packages, '.cache', 'celerity')
  return folder === dirname(folder) ? false : cacheFolder(folder)
}
