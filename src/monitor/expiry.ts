/** What is old goes: by how a task ended, in steps so small that neither the camera nor others wait for them. */
import type { Clock } from '../clock.js'
import type { SnapshotStore } from './store.js'

/** Seconds a task is kept after its row was last written; 0: for ever. */
export interface Expiry {
  readonly success: number
  readonly error: number
  readonly pending: number
}

/** As the camera of django-celery groups them; states of an application's own are pending. */
const ERROR_STATES = ['FAILURE', 'REVOKED', 'RETRY']
const AT_ONCE = 500
/** Seconds between two looks, and what one may take. */
const INTERVAL = 60
const BUDGET = 1
/** Seconds a worker that is gone, and what was missed, are remembered: 30 days. */
const FORGOTTEN = 30 * 86_400

export class Expirer {
  readonly #store: SnapshotStore
  readonly #spans: Expiry
  readonly #clock: Clock
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(store: SnapshotStore, spans: Expiry, clock: Clock) {
    this.#store = store
    this.#spans = spans
    this.#clock = clock
  }

  get isDue(): boolean {
    return this.#clock.monotonic() / 1000 - this.#lookedAt >= INTERVAL
  }

  /** Returns how many tasks went; what does not go in a second goes the next time, soon. @throws E_MONITOR_UNREACHABLE, E_MONITOR_REFUSED */
  async run(): Promise<number> {
    const began = this.#clock.monotonic() / 1000
    const { success, error, pending } = this.#spans
    const now = this.#clock.now() / 1000
    let removed = 0
    for (const [scope, span] of [
      [{ only: ['SUCCESS'] }, success],
      [{ only: ERROR_STATES }, error],
      [{ except: ['SUCCESS', ...ERROR_STATES] }, pending],
    ] as const) {
      if (span === 0) continue
      for (;;) {
        const some = await this.#store.expire(scope, now - span, AT_ONCE)
        removed += some
        if (some < AT_ONCE) break
        if (this.#clock.monotonic() / 1000 - began > BUDGET) return removed
      }
    }
    await this.#store.forget(now - FORGOTTEN)
    this.#lookedAt = began
    return removed
  }
}
