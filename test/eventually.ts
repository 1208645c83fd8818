import { setTimeout as sleep } from 'node:timers/promises'

/** Polls until `look` returns something other than undefined or false, and returns that. Rejects after `seconds`. */
export async function eventually<T>(look: () => T | undefined | false | Promise<T | undefined | false>, seconds = 10): Promise<T> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(`did not happen within ${seconds} s`)
    await sleep(5)
  }
}
