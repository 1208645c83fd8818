/** Runs one command line, from the words to the exit code. Called by `bin/`. */

import type { Interfaces } from '@oclif/core'
import { Config } from '@oclif/core/config'
import { run } from '@oclif/core/run'
import { paint } from '../terminal/colour.js'
import { safeJson } from '../terminal/safe.js'
import { describeError, errorDocument, errorText } from './error-report.js'
import { hoistFlags } from './flags.js'
import { endWithOutput } from './stdout.js'

/** How long something the application left open may keep the process after its command has ended. */
const LINGER_MS = 250

/**
 * Runs the command that `argv` names and sets `process.exitCode`. Never rejects.
 *
 * @param options where oclif finds the commands
 */
export async function main(argv: readonly string[], options: Interfaces.LoadOptions): Promise<void> {
  endWithOutput(process)
  // Its reader or its terminal is gone (EPIPE, EIO), its disk is full: work goes on, and there is nobody to tell. Thrown, it would be caught and
  // written to stderr, for ever.
  process.stderr.on('error', () => {})
  endWithOneLine()
  const words = hoistFlags(argv)
  try {
    await run(words, options)
  } catch (error) {
    await reportStray(error, words, options)
  }
  // A pool of the application's own must not keep `tasks list` alive. Unreferenced: where nothing is left open, the process ends at once.
  setTimeout(() => process.exit(), LINGER_MS).unref()
}

/** Errors that reach no command: there is none of that name, or its module does not load. */
async function reportStray(error: unknown, words: readonly string[], options: Interfaces.LoadOptions): Promise<void> {
  const config = await Config.load(options)
  const report = describeError(error, { commands: config.commandIDs.map((id) => id.replaceAll(':', ' ')) })
  process.exitCode = report.exit
  if ('silent' in report) return
  if (words.includes('--json')) process.stdout.write(`${safeJson(JSON.stringify(errorDocument(report, isDebug()), null, 2))}\n`)
  else process.stderr.write(errorText(report, paint({ isTTY: process.stderr.isTTY, allowed: true, env: process.env }), isDebug()))
}

/** Errors that nobody waits for, in a command: of the application's timers, of its forgotten promises. What serves has an answer of its own. */
function endWithOneLine(): void {
  process.on('uncaughtException', (error: unknown) => {
    if (process.listenerCount('uncaughtException') > 1) return
    const report = describeError(error, { commands: [] })
    if (!('silent' in report) && (process.exitCode ?? 0) === 0) {
      process.exitCode = report.exit
      process.stderr.write(errorText(report, paint({ isTTY: process.stderr.isTTY, allowed: true, env: process.env }), isDebug()))
    }
    process.exit()
  })
}

function isDebug(): boolean {
  return process.env['TASKS_LOG_LEVEL']?.toLowerCase() === 'debug'
}
