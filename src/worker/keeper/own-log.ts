/** The keeper's own way to the log, for when the main thread can't write what it is told. */
import { writeSync } from 'node:fs'
import { createLog, type Log, type LogTwin, type LogTwinModule } from '../../log.js'

const STDERR = 2

/** Null where the process has said no way: then bare lines go to stderr, for a process must not end without a word. Never rejects. */
export async function openOwnLog(twin: LogTwin | null): Promise<Log> {
  if (twin === null) return bareLog()
  try {
    const { openTwin } = (await import(twin.module)) as LogTwinModule
    return await openTwin(twin.options)
  } catch {
    return bareLog() // it was replaced under us, by another version
  }
}

function bareLog(): Log {
  return createLog('warning', (_, text) => {
    try {
      writeSync(STDERR, `${text}\n`)
    } catch {
      // closed, or full: nobody is left to be told
    }
  })
}
