/** How many a second: counted in whole seconds, over the last few of them. */

const SECONDS = 5

export class TaskRate {
  readonly #counts = new Map<number, number>()

  /** @param now unix seconds, here and below */
  count(now: number): void {
    const second = Math.floor(now)
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + 1)
    if (this.#counts.size > SECONDS * 2) this.#forget(second)
  }

  /** Of the last whole seconds: the one that is not over yet would look like a fall. */
  perSecond(now: number): number {
    const second = Math.floor(now)
    this.#forget(second)
    const counted = [...this.#counts].filter(([at]) => at < second).reduce((sum, [, count]) => sum + count, 0)
    return counted / SECONDS
  }

  #forget(second: number): void {
    for (const at of this.#counts.keys()) if (at < second - SECONDS || at > second) this.#counts.delete(at)
  }
}
