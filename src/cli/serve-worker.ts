/** A worker as a process, and a beat beside it where one is wanted. */
import type { CreatedBeat } from '../beat/create.js'
import { systemClock } from '../clock.js'
import { isCelerityError, reason } from '../errors.js'
import type { Log } from '../log.js'
import type { CreatedWorker } from '../worker/create.js'
import { type ServeOptions, serve } from './serve.js'

export interface ServeWorkerOptions extends ServeOptions {
  /** Done before the first message is taken; again and again while the broker is away. */
  readonly before: () => Promise<void>
  readonly beat: CreatedBeat | null
}

/** @returns the exit code: 0, or 130 and 143 when it was told twice to stop; @throws what `Worker.run` throws, E_USAGE */
export function serveWorker({ worker, options, parts }: CreatedWorker, { before, beat, ...serving }: ServeWorkerOptions): Promise<number> {
  const { log } = serving
  const stopping = new AbortController()
  return serve(
    {
      stop() {
        stopping.abort()
        beat?.beat.stop()
        worker.stop()
      },
      stopNow() {
        stopping.abort()
        beat?.beat.stop()
        worker.stopNow()
      },
      stores: [parts.broker],
      health: () => ({ node: options.node, ready: worker.ready, active: worker.active, processed: worker.processed }),
      async run() {
        await untilReached(before, log, stopping.signal)
        const beating = beat === null ? null : keepBeating(beat, log)
        if (beat?.options.once) await beating // what it sends is to be worked off too
        try {
          await worker.work()
        } finally {
          beat?.beat.stop()
          await beating
        }
        log.info(`${options.node} stopped: ${worker.processed} task${worker.processed === 1 ? '' : 's'} done`, {
          processed: worker.processed,
        })
      },
      running: () => [...worker.runs],
      leave: (exit) => worker.leave(exit),
    },
    serving,
  )
}

/** A beat that fails does not take the worker down with it: other beats go on, and so do the tasks. */
async function keepBeating({ beat, options }: CreatedBeat, log: Log): Promise<void> {
  try {
    await beat.run()
  } catch (error) {
    log.critical(`${options.node} has ended, the worker goes on without it: ${reason(error)}`, { error })
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
