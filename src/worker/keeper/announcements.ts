/** Those who wait until the broker has been told what is on the board: it must be known there before they go on. */
export class Announcements {
  #waiting: (() => void)[] = []
  #asked = new AbortController()
  #isOver = false

  /** Resolves when a renewal that began after this has come through, or when there will be none any more. */
  next(): Promise<void> {
    if (this.#isOver) return Promise.resolve()
    const told = new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#asked.abort()
    return told
  }

  /** Aborts when somebody asks: the next renewal is due at once. */
  get asked(): AbortSignal {
    return this.#asked.signal
  }

  /** A renewal begins: to be called before the board is read. Returns what is to be called with its outcome. */
  begin(): (isTold: boolean) => void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#asked = new AbortController()
    return (isTold) => {
      if (isTold) for (const tell of waiting) tell()
      else this.#waiting.unshift(...waiting)
    }
  }

  /** There will be no renewal any more. */
  end(): void {
    this.#isOver = true
    this.begin()(true)
  }
}
