/** `--watch`: starts the worker again when a source file has changed. For development. */
import { Launcher } from './launcher.js'
import { watchSources } from './source-files.js'

/** An editor writes several times in a row. */
const SETTLE_MS = 150

/**
 * @param folders where the sources are, with all folders below
 * @returns       the exit code of the last child, once a signal has ended it
 */
export async function runWatched(folders: readonly string[], say: (text: string) => void): Promise<number> {
  /** What changed while a child ran or was ending; null: nothing. */
  let changed: string | null = null
  let wake = () => {}
  const launcher = new Launcher(async ({ code }, stopped) => {
    if (changed === null) {
      say(`The worker has ended with exit code ${code}: waiting for a change`)
      await new Promise<void>((resolve) => {
        wake = resolve
        stopped.addEventListener('abort', () => resolve(), { once: true })
      })
      if (changed === null) return code
      say(`${changed} changed: starting again`)
    }
    changed = null
    return 'again'
  })
  const note = (file: string) => {
    const isFirst = changed === null
    changed = file
    if (isFirst && launcher.endChild()) say(`${file} changed: starting again when what runs has ended`)
    wake()
  }
  let timer: NodeJS.Timeout | undefined
  const sources = folders.map((folder) =>
    watchSources(folder, (file) => {
      clearTimeout(timer)
      timer = setTimeout(() => note(file), SETTLE_MS)
    }),
  )
  try {
    return await launcher.run()
  } finally {
    clearTimeout(timer)
    for (const one of sources) one.close()
  }
}
