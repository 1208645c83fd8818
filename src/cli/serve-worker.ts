/** A worker as a process: from its start to its exit code. Signals, pidfile, health, errors nobody waits for. */
import { systemClock } from '../clock.js'
import { isCelerityError, reason } from '../errors.js'
import type { Log } from '../log.js'
import type { CreatedWorker } from '../worker/create.js'
import { serveHealth } from './health.js'
import { writePidfile } from './pidfile.js'
import { onStopSignals } from './stop-signals.js'
import { catchStrayErrors } from './stray-errors.js'

export interface ServeOptions {
  readonly log: Log
  readonly pidfile: string | undefined
  /** 0 takes a free port. */
  readonly healthPort: number | undefined
  /** Done before the first message is taken; again and again while the broker is away. */
  readonly before: () => Promise<void>
}

/** @returns the exit code: 0, or 130 and 143 when it was told twice to stop; @throws what `Worker.run` throws, E_USAGE */
export async function serveWorker(created: CreatedWorker, { log, pidfile, healthPort, before }: ServeOptions): Promise<number> {
  const { worker, options } = created
  const stopping = new AbortController()
  const signals = onStopSignals(
    {
      stop() {
        stopping.abort()
        worker.stop()
      },
      stopNow() {
        stopping.abort()
        worker.stopNow()
      },
    },
    (text) => log.info(text),
  )
  const undo: (() => void | Promise<void>)[] = [() => signals.close(), catchStrayErrors(log)]
  try {
    if (pidfile !== undefined) undo.push(writePidfile(pidfile))
    if (healthPort !== undefined) {
      const state = () => ({ node: options.node, ready: worker.ready, active: worker.active, processed: worker.processed })
      const health = await serveHealth(healthPort, state)
      undo.push(() => health.close())
      log.info(`health at port ${health.port}`, { port: health.port })
    }
    await untilReached(before, log, stopping.signal)
    await worker.run()
    log.info(`${options.node} stopped: ${worker.processed} task${worker.processed === 1 ? '' : 's'} done`, { processed: worker.processed })
    return signals.exitCode
  } finally {
    for (const one of undo.reverse()) await one()
  }
}

/** As the worker itself waits for a broker that is away, and says so once. */
async function untilReached(step: () => Promise<void>, log: Log, signal: AbortSignal): Promise<void> {
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      return await step()
    } catch (error) {
      if (!isCelerityError(error) || error.code !== 'E_BROKER_UNREACHABLE') throw error
      if (tries === 0) log.warning(`waiting for the broker: ${reason(error)}`)
      await systemClock.sleep(Math.min(0.25 * 2 ** tries, 2), signal)
    }
  }
}
