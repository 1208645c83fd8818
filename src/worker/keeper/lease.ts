/**
 * Renews a lease at a third of its length, and when somebody asks that the board be told, until `signal` aborts or it is lost: the keeper's
 * first duty, which waits for no other.
 */
import type { Broker } from '../../broker/broker.js'
import { reason } from '../../errors.js'
import type { Announcements } from './announcements.js'
import type { Board } from './board.js'
import type { MainThread } from './main-thread.js'
import { rest } from './rest.js'

export interface LeaseParts {
  readonly broker: Broker
  readonly board: Board
  readonly announcements: Announcements
  readonly main: MainThread
}

/** Milliseconds to the next try after a failed one, at most: the call itself has waited. */
const SOON_MS = 250

export async function keepLease(parts: LeaseParts, incarnation: string, leaseMs: number, signal: AbortSignal) {
  await renewals(parts, incarnation, leaseMs, signal)
  parts.announcements.end()
}

async function renewals({ broker, board, announcements, main }: LeaseParts, incarnation: string, leaseMs: number, signal: AbortSignal) {
  const interval = leaseMs / 3
  let trouble = 0
  while (!signal.aborted) {
    const began = performance.now()
    const announced = announcements.begin()
    try {
      const renewal = await broker.renew(incarnation, board.started())
      announced(renewal.kind === 'kept')
      if (signal.aborted) return
      if (renewal.kind === 'lost') {
        main.lost()
        return
      }
      if (renewal.kind === 'gone') throw new Error('all that the broker held is gone') // until our consumer has put back what it holds
      main.lanes(renewal.lanes)
      if (trouble > 0) main.say('renewed', `the lease is renewed again, after ${trouble} tries`)
      trouble = 0
    } catch (error) {
      announced(false)
      if (trouble++ === 0 && !signal.aborted) main.say('trouble', `can't renew the lease: ${reason(error)}`)
    }
    const pause = trouble > 0 ? Math.min(SOON_MS, interval) : interval - (performance.now() - began)
    await restUntil(announcements.asked, Math.max(pause, 10), signal)
  }
}

/** As `rest`, which a signal of its own may end too. */
async function restUntil(asked: AbortSignal, ms: number, signal: AbortSignal): Promise<void> {
  const woken = new AbortController()
  const wake = () => woken.abort()
  for (const each of [asked, signal]) {
    if (each.aborted) wake()
    else each.addEventListener('abort', wake, { once: true })
  }
  await rest(ms, woken.signal)
  for (const each of [asked, signal]) each.removeEventListener('abort', wake)
}
