/** What is away just now: said when it goes, once a minute while it stays so, and when it is back. */
import type { Clock } from '../clock.js'
import type { CelerityError } from '../errors.js'
import type { Log } from '../log.js'

export type Part = 'broker' | 'store' | 'results'

const NAMES: Readonly<Record<Part, string>> = { broker: 'the broker', store: 'the store of the monitor', results: 'the result store' }
/** Seconds between two words on the same. */
const INTERVAL = 60

export class Troubles {
  readonly #clock: Clock
  readonly #log: Log
  readonly #since = new Map<Part, { readonly since: number; saidAt: number }>()
  #last: CelerityError | undefined

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  get away(): readonly Part[] {
    return [...this.#since.keys()]
  }

  /** What keeps the monitor from its work; the result store it can do without. */
  get last(): CelerityError | undefined {
    return this.away.some((part) => part !== 'results') ? this.#last : undefined
  }

  met(part: Part, error: CelerityError): void {
    const now = this.#clock.monotonic() / 1000
    const known = this.#since.get(part)
    if (part !== 'results') this.#last = error
    if (known !== undefined && now - known.saidAt < INTERVAL) return
    this.#since.set(part, { since: known?.since ?? now, saidAt: now })
    const more = known === undefined ? 'waiting for it' : `for ${Math.round(now - known.since)} s now`
    this.#log.warning(`${NAMES[part]} cannot be used, ${more}: ${error.message}`, { error })
  }

  over(part: Part): void {
    const known = this.#since.get(part)
    if (known === undefined) return
    this.#since.delete(part)
    const seconds = Math.round(this.#clock.monotonic() / 1000 - known.since)
    this.#log.info(`${NAMES[part]} is back after ${seconds} s`)
  }
}
