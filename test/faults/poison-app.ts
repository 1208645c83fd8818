/** The application of poison.test.ts. Each start is a line in the file that FAULTS_LEDGER names: `<task id> <pid>`, written before anything else. */
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Celerity, type TaskContext } from 'celerity'

const app = new Celerity('faults')
export default app

function started(task: TaskContext): void {
  appendFileSync(process.env['FAULTS_LEDGER'] ?? '/dev/null', `${task.id} ${process.pid}\n`)
}

app.task('faults.good', { bind: true }, async (task, ms: number) => {
  started(task)
  if (ms > 0) await sleep(ms)
  return process.pid
})

app.task('faults.exit', { bind: true }, (task) => {
  started(task)
  process.exit(3)
})

/** A while after its start, as what corrupts memory does. */
app.task('faults.abort', { bind: true }, async (task) => {
  started(task)
  await sleep(60)
  process.abort()
})

/** As the kernel does to what takes too much memory: nothing of the process gets another word. */
app.task('faults.kill', { bind: true }, async (task) => {
  started(task)
  process.kill(process.pid, 'SIGKILL')
  await sleep(10_000)
})
