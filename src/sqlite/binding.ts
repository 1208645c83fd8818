/** Node's own SQLite where it exists (22.13 and later), else the package with the same API and its binary in the tarball. */
import type { DatabaseSyncInstance } from '@photostructure/sqlite'

export type Handle = DatabaseSyncInstance
/** `timeout` is the busy timeout in milliseconds. */
export type OpenHandle = (path: string, options: { readonly timeout: number }) => Handle

interface Binding {
  readonly DatabaseSync: new (path: string, options: { readonly timeout: number }) => Handle
}

export async function loadBinding(): Promise<OpenHandle> {
  const { DatabaseSync } = builtIn() ?? (await import('@photostructure/sqlite'))
  return (path, options) => new DatabaseSync(path, options)
}

function builtIn(): Binding | undefined {
  const emitWarning = process.emitWarning
  // Loading it warns on stderr that it is experimental, which is our concern and not that of whoever runs a command.
  process.emitWarning = () => {}
  try {
    return process.getBuiltinModule('node:sqlite') as Binding | undefined
  } finally {
    process.emitWarning = emitWarning
  }
}
