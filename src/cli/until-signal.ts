/** For a command that shows what comes until nobody wants to see more: that is its end, and no interruption. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/** Runs `work` with a signal that aborts when the process is told to stop; told twice, the process ends as if nobody had listened. */
export async function untilSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const hear = () => {
    quiet()
    stop.abort()
  }
  const quiet = () => {
    for (const signal of SIGNALS) process.off(signal, hear)
  }
  for (const signal of SIGNALS) process.on(signal, hear)
  try {
    return await work(stop.signal)
  } finally {
    quiet()
  }
}
