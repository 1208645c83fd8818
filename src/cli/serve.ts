/** A process that serves until it is told to stop: signals, pidfile, health, errors nobody waits for, the exit code. */
import type { Log } from '../log.js'
import { type Health, serveHealth } from './health.js'
import type { Launched } from './launcher.js'
import { writePidfile } from './pidfile.js'
import { onStopSignals, type Stoppable } from './stop-signals.js'
import { catchStrayErrors } from './stray-errors.js'

export interface ServeOptions {
  readonly log: Log
  readonly pidfile: string | undefined
  /** 0 takes a free port. */
  readonly healthPort: number | undefined
  /** The process that started this one to look after it; it stops in order when that one is gone. Absent or null: nobody did. */
  readonly launched?: Launched | null | undefined
}

export interface Served extends Stoppable {
  health(): Health
  /** Resolves when it has stopped. */
  run(): Promise<void>
}

/** @returns the exit code: 0, or 130 and 143 when it was told twice to stop; @throws what `run` throws, E_USAGE */
export async function serve(served: Served, { log, pidfile, healthPort, launched }: ServeOptions): Promise<number> {
  const signals = onStopSignals(served, (text) => log.info(text))
  launched?.onGone(() => signals.stopUnlessTold('the launcher is gone'))
  const undo: (() => void | Promise<void>)[] = [() => signals.close(), catchStrayErrors(log)]
  try {
    if (pidfile !== undefined) undo.push(writePidfile(pidfile))
    if (healthPort !== undefined) {
      const health = await serveHealth(healthPort, () => served.health())
      undo.push(() => health.close())
      log.info(`health at port ${health.port}`, { port: health.port })
    }
    await served.run()
    return signals.exitCode
  } finally {
    launched?.endsInOrder() // from here on a signal may end the process at once
    for (const one of undo.reverse()) await one()
  }
}
