/** The application of blocked.test.ts. Each start and end is a line in the file that FAULTS_LEDGER names: `<start|end> <task id> <pid>`. */
import { execSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Celerity, type TaskContext } from 'celerity'

const app = new Celerity('faults')
export default app

function note(what: 'start' | 'end', task: TaskContext): void {
  appendFileSync(process.env['FAULTS_LEDGER'] ?? '/dev/null', `${what} ${task.id} ${process.pid}\n`)
}

function spin(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

/** After a pause: nobody sees from outside which of those that run it is. */
app.task('faults.spin', { bind: true }, async (task, ms: number) => {
  note('start', task)
  await sleep(50)
  spin(ms)
  note('end', task)
})

/** Blocked outside of JavaScript, where nothing can be interrupted. */
app.task('faults.native', { bind: true }, (task, ms: number) => {
  note('start', task)
  execSync(`sleep ${ms / 1000}`)
  note('end', task)
})

app.task('faults.nap', { bind: true }, async (task, ms: number) => {
  note('start', task)
  await sleep(ms)
  note('end', task)
  return process.pid
})

app.task('faults.mourn', { bind: true }, (task, id: string) => {
  note('start', task)
  return id
})

/** Once: the process it runs in ends without a word. */
app.task('faults.exit', { bind: true }, (task, code: number) => {
  note('start', task)
  if (!task.redelivered) process.exit(code)
  return process.pid
})

/** Leaves an exit code behind, as scripts do that report a failure, and one for the very end. */
app.task('faults.code', { bind: true }, (task, code: number) => {
  note('start', task)
  process.exitCode = code
  process.on('exit', () => note('end', task))
})
