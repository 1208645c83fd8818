/**
 * Which lanes this worker knows of, to compare with those that the broker says it holds. One that nobody here knows (the answer to its take was
 * lost, and so was what should have closed it) would be held for as long as the lease is renewed: for ever.
 */
export class Lanes {
  /** By name, with the monotonic millisecond since when it is known. */
  readonly #known = new Map<string, number>()
  /** The same for strangers. */
  #strange = new Map<string, number>()

  add(name: string, now: number): void {
    if (!this.#known.has(name)) this.#known.set(name, now)
  }

  /**
   * The numbers of takes whose lanes nobody here has known for longer than `patienceMs`, which is longer than any answer may take.
   *
   * @param held     names of lanes, as the broker told
   * @param underWay the take that is not answered yet
   */
  strangers(held: readonly string[], underWay: number | null, now: number, patienceMs: number): readonly number[] {
    const names = new Set(held)
    for (const [name, since] of this.#known) if (!names.has(name) && now - since > patienceMs) this.#known.delete(name)
    const strange = new Map<string, number>()
    for (const name of names) {
      if (!this.#known.has(name) && seqOf(name) !== underWay) strange.set(name, this.#strange.get(name) ?? now)
    }
    this.#strange = strange
    const old = [...strange].filter(([, since]) => now - since > patienceMs)
    return [...new Set(old.map(([name]) => seqOf(name)))]
  }
}

/** `<seq>/<source>` */
function seqOf(lane: string): number {
  return Number.parseInt(lane, 10)
}
