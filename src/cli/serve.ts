/** A process that serves until it is told to stop: signals, pidfile, health, errors nobody waits for, the exit code. */
import { systemClock } from '../clock.js'
import type { CelerityError } from '../errors.js'
import type { Log } from '../log.js'
import { guardExit, type Running } from './exit-guard.js'
import { type Health, serveHealth } from './health.js'
import type { Launched } from './launcher.js'
import { writePidfile } from './pidfile.js'
import { onStopSignals, type Stoppable } from './stop-signals.js'
import { catchStrayErrors } from './stray-errors.js'

/** What is kept in a file that another may be put in the place of; see `Broker.onReplaced`. */
export interface Replaceable {
  onReplaced?(act: (error: CelerityError) => void): void
}

export interface ServeOptions {
  readonly log: Log
  readonly pidfile: string | undefined
  /** 0 takes a free port. */
  readonly healthPort: number | undefined
  /** The process that started this one to look after it; it stops in order when that one is gone. Absent or null: nobody did. */
  readonly launched?: Launched | null | undefined
}

/** Seconds that it may take to let go of everything, once its file was replaced: nothing of it counts any more. */
const LET_GO_SECONDS = 2

export interface Served extends Stoppable {
  health(): Health
  /** What it can't go on without. */
  readonly stores: readonly Replaceable[]
  /** Resolves when it has stopped. */
  run(): Promise<void>
  /** What runs in it. */
  running?(): readonly Running[]
  /** The very last step, after `run`, however that ended; `exit` ends the process, and is absent where `run` has failed. */
  leave?(exit?: () => never): Promise<void>
}

/** @returns the exit code: 0, or 130 and 143 when it was told twice to stop; @throws what `run` throws, E_USAGE, E_FILE_REPLACED */
export async function serve(served: Served, { log, pidfile, healthPort, launched }: ServeOptions): Promise<number> {
  const signals = onStopSignals(served, (text) => log.info(text))
  launched?.onGone(() => signals.stopUnlessTold('the launcher is gone'))
  const unguarded = await guardExit(log, () => served.running?.() ?? [])
  let exit: (() => never) | undefined
  const leave = () => served.leave?.(exit)
  const undo: (() => unknown)[] = [() => signals.close(), outliveOutput(), unguarded, catchStrayErrors(log), leave]
  try {
    if (pidfile !== undefined) undo.push(writePidfile(pidfile, (text) => log.warning(text)))
    if (healthPort !== undefined) {
      const health = await serveHealth(healthPort, () => served.health())
      undo.push(() => health.close())
      log.info(`health at port ${health.port}`, { port: health.port })
    }
    await runOnItsStores(served)
    exit = () => {
      unguarded()
      return process.exit(signals.exitCode)
    }
  } finally {
    launched?.endsInOrder() // from here on a signal may end the process at once
    for (const one of undo.reverse()) await one()
  }
  return signals.exitCode
}

/** @throws E_FILE_REPLACED, at once, whatever `run` is at */
async function runOnItsStores(served: Served): Promise<void> {
  const replaced = new Promise<CelerityError>((resolve) => {
    for (const store of served.stores) store.onReplaced?.(resolve)
  })
  const running = served.run()
  const error = await Promise.race([running.then(() => null), replaced])
  if (error === null) return
  served.stopNow()
  await Promise.race([running.catch(() => {}), systemClock.sleep(LET_GO_SECONDS)])
  throw error
}

/** What handlers print is not what a worker lives for: when nobody reads it, or the disk under it is full, work goes on. */
function outliveOutput(): () => void {
  const ignore = () => {}
  process.stdout.on('error', ignore)
  return () => process.stdout.off('error', ignore)
}
