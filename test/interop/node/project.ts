/** The Node half of the tests: an application as any user's, with the tasks that `tasks worker` runs. */
import { appendFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CalendarDate, Celerity, ClockTime, Decimal, Uuid } from 'celerity'

const app = new Celerity('project')
export default app

const folder = process.env.INTEROP_FOLDER ?? '.'

/** One line of the ledger; an append of this size is one step for all processes. */
function note(line: string): void {
  appendFileSync(join(folder, 'ledger'), `node ${line}\n`)
}

async function gateOpens(gate: string): Promise<void> {
  while (!existsSync(join(folder, gate))) await sleep(5)
}

app.task('kuma.add', { params: ['x', 'y'] }, (x: number, y: number) => x + y)
app.task('kuma.collect', (...args: unknown[]) => args)
app.task('kuma.echo', (value: unknown) => value)
app.task('kuma.multiply', (x: number, y: number) => x * y)
app.task('kuma.now', () => Date.now())
app.task('both.now', () => ({ by: 'node', at: Date.now() }))
app.task('kuma.noteFailure', (id: string) => `failed: ${id}`)

app.task('kuma.record', (name: string) => note(name))
app.task('both.record', (name: string) => {
  note(name)
  return 'node'
})

const hold = async (gate: string) => {
  note(`${gate} begins`)
  await gateOpens(gate)
  return gate
}
app.task('kuma.hold', { trackStarted: true }, hold)
app.task('both.hold', { trackStarted: true }, hold)

/** Keeps the event loop from turning until its gate opens. */
app.task('kuma.block', (gate: string) => {
  note(`${gate} begins`)
  const never = new Int32Array(new SharedArrayBuffer(4))
  while (!existsSync(join(folder, gate))) Atomics.wait(never, 0, 0, 5)
})

/** Has a Python twin of the same name. */
class ValueError extends Error {}

/** Has a Python twin in a module of the application. */
class PageLocked extends Error {
  static readonly celeryModule = 'errors'
  readonly args: readonly unknown[]

  constructor(slug: string, holder: string) {
    super(`${slug} is locked by ${holder}`)
    this.args = [slug, holder]
  }
}

/** Python knows nothing of this one. */
class SmtpError extends Error {}

app.task('kuma.fail', (kind: string, message: string) => {
  switch (kind) {
    case 'ValueError':
      throw new ValueError(message)
    case 'TypeError':
      throw new TypeError(message)
    case 'PageLocked':
      throw new PageLocked(message, 'ann')
    case 'SmtpError':
      throw new SmtpError(message)
    default:
      throw new Error(message)
  }
})

app.task('kuma.progress', { bind: true }, async (task, gate: string) => {
  for (const done of [1, 2]) {
    await task.progress({ done })
    await gateOpens(`${gate}-${done}`)
  }
  return 'all'
})

app.task('kuma.flaky', { bind: true }, async (task, gate: string) => {
  if (task.retries === 0) task.retry({ cause: new ValueError('not yet'), countdown: 0.05 })
  await gateOpens(gate)
  return task.retries
})

// The names that the captured messages ask for.
app.task('proj.tasks.add', (x: number, y: number) => x + y)
app.task('proj.tasks.echo', (...args: unknown[]) => args.map(seen))

/** What the handler sees: a class and its text. */
function seen(value: unknown): unknown {
  if (value instanceof Date) return { Date: value.toISOString() }
  if (value instanceof Decimal) return { Decimal: value.text }
  if (value instanceof Uuid) return { Uuid: value.text }
  if (value instanceof CalendarDate) return { CalendarDate: value.text }
  if (value instanceof ClockTime) return { ClockTime: value.text }
  if (Buffer.isBuffer(value)) return { Buffer: value.toString('hex') }
  if (typeof value === 'bigint') return { bigint: `${value}` }
  if (typeof value === 'number' && !Number.isFinite(value)) return { number: `${value}` }
  if (Array.isArray(value)) return value.map(seen)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, seen(member)]))
}
