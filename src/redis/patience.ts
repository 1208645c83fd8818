/** What a connection waits with: spans that end. */

export const MISSED = new Error('no answer in time')

export function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(MISSED), Math.max(ms, 0))
    promise.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}

/**
 * Calls that wait for the same thing to come. Who has waited for too long leaves nothing behind: a promise that all of them share would keep
 * each one until it comes, and an outage may last for days.
 */
export class Waiting {
  readonly #all = new Set<{ readonly come: () => void; readonly fail: (error: unknown) => void }>()

  get isEmpty(): boolean {
    return this.#all.size === 0
  }

  /** Resolves when it comes; rejects when `ms` have passed, with MISSED, or when it will not come. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer)
        this.#all.delete(one)
      }
      const one = {
        come: () => {
          leave()
          resolve()
        },
        fail: (error: unknown) => {
          leave()
          reject(error)
        },
      }
      const timer = setTimeout(() => one.fail(MISSED), Math.max(ms, 0))
      this.#all.add(one)
    })
  }

  come(): void {
    for (const { come } of this.#all) come()
  }

  fail(error: unknown): void {
    for (const { fail } of this.#all) fail(error)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(ms, 0)))
}
