/** Renews a lease at a third of its length until `signal` aborts or it is lost: the keeper's first duty, which waits for no other. */
import type { Broker } from '../../broker/broker.js'
import { reason } from '../../errors.js'
import type { Board } from './board.js'
import type { MainThread } from './main-thread.js'
import { rest } from './rest.js'

export interface LeaseParts {
  readonly broker: Broker
  readonly board: Board
  readonly main: MainThread
}

/** Milliseconds to the next try after a failed one, at most: the call itself has waited. */
const SOON_MS = 250

export async function keepLease({ broker, board, main }: LeaseParts, incarnation: string, leaseMs: number, signal: AbortSignal) {
  const interval = leaseMs / 3
  let trouble = 0
  while (!signal.aborted) {
    const began = performance.now()
    try {
      const renewal = await broker.renew(incarnation, board.started())
      if (signal.aborted) return
      if (renewal.kind === 'lost') {
        main.lost()
        return
      }
      if (trouble > 0) main.say('renewed', `the lease is renewed again, after ${trouble} tries`)
      trouble = 0
    } catch (error) {
      if (trouble++ === 0 && !signal.aborted) main.say('trouble', `can't renew the lease: ${reason(error)}`)
    }
    const pause = trouble > 0 ? Math.min(SOON_MS, interval) : interval - (performance.now() - began)
    await rest(Math.max(pause, 10), signal)
  }
}
