/** A beat as a process. */
import type { CreatedBeat } from '../beat/create.js'
import { type ServeOptions, serve } from './serve.js'

/** @returns the exit code: 0, or 130 and 143 when it was told twice to stop; @throws what `Beat.run` throws, E_USAGE */
export function serveBeat({ beat, broker, options }: CreatedBeat, serving: ServeOptions): Promise<number> {
  return serve(
    {
      stop: () => beat.stop(),
      stopNow: () => beat.stop(),
      stores: [broker],
      health: () => ({ node: options.node, ready: beat.ready, leads: beat.leads, sent: beat.sent }),
      async run() {
        await beat.run()
        serving.log.info(`${options.node} stopped: ${beat.sent} sent`, { sent: beat.sent })
      },
    },
    serving,
  )
}
