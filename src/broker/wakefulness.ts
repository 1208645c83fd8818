/**
 * Since when this process has run without a long pause (a suspended machine, SIGSTOP, a blocked loop). Who was away himself judges nobody
 * dead at once: the others may have been paused with him, and must have the time to show themselves.
 */

const BEAT_MS = 500
/** Pauses remembered; older ones are forgotten first. */
const PAUSES = 16

export class Wakefulness {
  readonly #now: () => number
  readonly #passed: () => number
  readonly #opened: number
  readonly #timer: NodeJS.Timeout
  #beat: number
  #pauses: { readonly until: number; readonly length: number }[] = []

  /**
   * @param now    milliseconds on a clock that never jumps
   * @param passed milliseconds on one that also counts what the machine slept, where that matters; jumps of it count as pauses
   */
  constructor(now: () => number, passed: () => number = now) {
    this.#now = now
    this.#passed = passed
    this.#opened = now()
    this.#beat = passed()
    this.#timer = setInterval(() => this.#notePause(), BEAT_MS)
    this.#timer.unref()
  }

  /** The moment, by `now`, from which on there was no pause longer than `pauseMs`. */
  since(pauseMs: number): number {
    this.#notePause()
    return Math.max(this.#opened, ...this.#pauses.filter(({ length }) => length > pauseMs).map(({ until }) => until))
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #notePause(): void {
    const passed = this.#passed()
    const length = passed - this.#beat - BEAT_MS
    if (length > 0) this.#pauses = [...this.#pauses.slice(1 - PAUSES), { until: this.#now(), length }]
    this.#beat = passed
  }
}
