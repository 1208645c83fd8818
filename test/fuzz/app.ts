/** The application that is given mutants: it notes each start with one byte, and in the end how long its event loop was held up at most. */
import { openSync, writeFileSync, writeSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Celerity } from 'celerity'

const app = new Celerity('fuzz')
export default app

const starts = openSync(process.env['FUZZ_STARTS'] ?? '/dev/null', 'a')
const delay = monitorEventLoopDelay({ resolution: 5 })
process.on('exit', () => {
  const polluted = Object.keys(Object.prototype).length > 0 || 'polluted' in {}
  writeFileSync(process.env['FUZZ_REPORT'] ?? '/dev/null', JSON.stringify({ maxDelayMs: Math.round(delay.max / 1e6), polluted }))
})

app.task('fuzz.note', (...args: readonly unknown[]) => {
  writeSync(starts, '.')
  return args.length
})

/** From here on the worker is under way: what it took to start does not count. */
app.task('fuzz.canary', (number: number) => {
  if (number === 0) delay.enable()
  return number
})
