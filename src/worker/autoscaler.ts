/**
 * How many tasks a worker runs at once, when that follows what there is to do: it doubles while every slot is busy, and falls to what was
 * needed once some slots were idle for half a minute. Pure but for what it remembers; it is asked every second.
 */
export interface ScaleBounds {
  readonly max: number
  readonly min: number
}

/** Milliseconds without full use before slots are taken away; Celery's `AUTOSCALE_KEEPALIVE`. */
const KEEP_MS = 30_000

export class Autoscaler {
  #bounds: ScaleBounds
  /** The most that ran at once since then. */
  #peak = 0
  #since: number | null = null

  constructor(bounds: ScaleBounds) {
    this.#bounds = bounds
  }

  get bounds(): ScaleBounds {
    return this.#bounds
  }

  /** @param bounds `min` not above `max` */
  change(bounds: ScaleBounds): void {
    this.#bounds = bounds
  }

  /**
   * @param now monotonic milliseconds
   * @returns   how many may run at once from now on
   */
  next({ concurrency, running }: { readonly concurrency: number; readonly running: number }, now: number): number {
    this.#since ??= now
    this.#peak = Math.max(this.#peak, running)
    if (running < concurrency && now - this.#since < KEEP_MS) return this.#within(concurrency)
    const wanted = running >= concurrency ? concurrency * 2 : this.#peak
    this.#peak = running
    this.#since = now
    return this.#within(wanted)
  }

  #within(concurrency: number): number {
    return Math.min(this.#bounds.max, Math.max(this.#bounds.min, concurrency))
  }
}
