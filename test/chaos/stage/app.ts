/** The application under test, as a user would write it: tasks that note in the ledger when they start and when they have ended. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Celerity, type TaskContext } from 'celerity'
import { LedgerWriter } from './ledger.js'

const app = new Celerity('system')
export default app

const ledger = new LedgerWriter(process.env['SYSTEM_LEDGER'] ?? '/dev/null')

/** What a task returns: the process that ran it, so that a stored result names its run. */
async function noted(task: TaskContext, work: () => unknown): Promise<number> {
  ledger.starts(task.id, task.retries)
  await work()
  ledger.ends(task.id, task.retries)
  return process.pid
}

app.task('system.sleep', { bind: true }, (task, ms: number) => noted(task, () => sleep(ms)))

/** Fails for whoever gets it second: so two runs of it end differently. */
app.task('system.torn', { bind: true }, async (task, ms: number) => {
  const pid = await noted(task, () => sleep(ms))
  if (task.redelivered) throw new Error('torn')
  return pid
})

/** Brings something along that nobody needs. */
app.task('system.carry', { bind: true }, (task, ms: number, _load: string) => noted(task, () => sleep(ms)))

/** What is sent when another has succeeded. */
app.task('system.after', { bind: true }, (task, _value: unknown) => noted(task, () => {}))

/** At most once. */
app.task('system.once', { bind: true, acks: 'early' }, (task, ms: number) => noted(task, () => sleep(ms)))

/** Holds up the event loop, as a calculation does. */
app.task('system.block', { bind: true }, (task, ms: number) => noted(task, () => block(ms)))

/** At most twenty of them start in a second, over all workers. */
app.task('system.limited', { bind: true, rateLimit: '20/s' }, (task) => noted(task, () => sleep(30)))

/** Asks to be run again `failures` times. */
app.task('system.retry', { bind: true }, async (task, ms: number, failures: number) => {
  const pid = await noted(task, () => sleep(ms))
  if (task.retries < failures) task.retry({ countdown: 0.1, max: failures })
  return pid
})

/** Notes it before it happens: whoever looks after the process may learn of it late. */
function ends(): true {
  ledger.fault('stop', process.pid)
  return true
}

/** Takes its process down: in order. */
app.task('system.exit', { bind: true }, (task) => noted(task, () => ends() && process.exit(3)))

/** A while after its start, as what corrupts memory does. */
app.task('system.abort', { bind: true }, (task) => noted(task, () => sleep(60).then(() => ends() && process.abort())))

/** As the kernel does to what takes too much memory: nothing of the process gets another word. */
app.task('system.kill', { bind: true }, (task) => noted(task, () => sleep(ends() && process.kill(process.pid, 'SIGKILL') ? 10_000 : 0)))

/** Never lets go of the event loop: from then on nothing else ends here. */
app.task('system.endless', { bind: true, timeLimit: 1 }, (task) =>
  noted(task, () => {
    ends()
    block(600_000)
  }),
)

/** Computes a fifth of the time and stands still for the rest: the loop turns as little, and other processes get their share of the CPU. */
function block(ms: number): void {
  const still = new Int32Array(new SharedArrayBuffer(4))
  for (const end = performance.now() + ms; performance.now() < end; ) {
    for (const pause = performance.now() + 20; performance.now() < pause; );
    Atomics.wait(still, 0, 0, 80)
  }
}
