/** Wakes whoever waits for it. A ring that nobody waits for is no ring. */
export class Bell {
  #waiting: { readonly heard: Promise<void>; readonly ring: () => void } | undefined

  /** Resolves when it rings next. */
  next(): Promise<void> {
    if (this.#waiting === undefined) {
      let ring = () => {}
      const heard = new Promise<void>((resolve) => {
        ring = resolve
      })
      this.#waiting = { heard, ring }
    }
    return this.#waiting.heard
  }

  ring(): void {
    this.#waiting?.ring()
    this.#waiting = undefined
  }
}
