/** Loads a module of the user's: TypeScript through jiti, plain JavaScript by Node itself. */
import { extname } from 'node:path'
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
  return await createJiti(pathToFileURL(path).href).import<Exports>(path)
}
