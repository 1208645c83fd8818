/** Time, handed in so that tests can turn it. Spans are seconds unless the name says Ms. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number
  /** A clock that never jumps, milliseconds from an arbitrary start: for durations. */
  monotonic(): number
  /** Resolves after `seconds`, or at once when `signal` aborts; never rejects. */
  sleep(seconds: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep(seconds, signal) {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, seconds * 1000)
      signal?.addEventListener('abort', done, { once: true })
    })
  },
}
