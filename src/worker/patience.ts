/** Waits for `work`, but not longer than that; its failure is no news to who waits so. */
export async function within(work: Promise<unknown>, seconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000)
  })
  await Promise.race([work.catch(() => {}), limit])
  clearTimeout(timer)
}

/** What `work` comes to, or undefined as soon as `signal` aborts: nobody waits for it then, whatever it comes to. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) {
    work.catch(() => {})
    return Promise.resolve(undefined)
  }
  return new Promise((resolve, reject) => {
    const leave = () => resolve(undefined)
    const stay = () => signal.removeEventListener('abort', leave)
    signal.addEventListener('abort', leave, { once: true })
    work.then(resolve, reject).finally(stay)
  })
}
