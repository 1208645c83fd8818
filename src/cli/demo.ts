/**
 * `tasks demo`: a worker process on the Kuma example, everything Kuma sends, what becomes of it. On the embedded broker in a folder of its own,
 * unless another broker is named; nothing of it is left.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AsyncResult } from '../app/async-result.js'
import type { Celerity } from '../app/celerity.js'
import { readSources, resolveSettings } from '../config/load.js'
import { importModule } from '../config/module.js'
import { CelerityError } from '../errors.js'
import type { Log } from '../log.js'
import { decodeResult, isFinal, stateOf, type TaskResult } from '../protocol/result.js'

export interface DemoOptions {
  /** The package's root: the example lies there. */
  readonly root: string
  /** Null: SQLite in the demo's own folder. */
  readonly brokerUrl: string | null
  readonly concurrency: number
  readonly log: Log
  /** Called ten times a second. */
  readonly watch: (moment: DemoMoment) => void
}

export interface DemoMoment {
  readonly sent: number
  readonly done: number
  readonly retrying: number
  /** Of the longest task: how far it is. */
  readonly progress: { readonly done: number; readonly total: number } | null
}

export interface DemoRow {
  readonly task: string
  readonly succeeded: number
  readonly failed: number
  /** Tries beyond the first. */
  readonly retries: number
}

export interface DemoReport {
  readonly broker: string
  /** From the first send to the last result, seconds. */
  readonly seconds: number
  readonly tasks: readonly DemoRow[]
  /** What became of it, in the words of the example. */
  readonly outcome: readonly string[]
  /** What is left of it. */
  readonly left: string
}

interface Scenario {
  readonly default: Celerity
  send(): Promise<readonly AsyncResult[]>
  finish(): Promise<readonly AsyncResult[]>
  report(): Promise<readonly string[]>
}

const LOOK_MS = 100
const PATIENCE_SECONDS = 120

export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<DemoReport> {
  const folder = mkdtempSync(join(tmpdir(), 'tasks-demo-'))
  const example = join(options.root, 'examples', 'kuma')
  const brokerUrl = options.brokerUrl ?? `sqlite:${join(folder, 'tasks.db')}`
  const prefix = `tasks-demo-${randomUUID().slice(0, 8)}:`
  const apart = JSON.stringify({ globalKeyprefix: prefix })
  const env = {
    TASKS_BROKER_URL: brokerUrl,
    TASKS_BROKER_TRANSPORT_OPTIONS: apart,
    TASKS_RESULT_BACKEND: brokerUrl,
    TASKS_RESULT_BACKEND_TRANSPORT_OPTIONS: apart,
    TASKS_RESULT_EXTENDED: 'true',
    TASKS_RESULT_EXPIRES: '10m',
    TASKS_WORKER_CONCURRENCY: String(options.concurrency),
    KUMA_DATA: join(folder, 'data'),
  }
  // The example reads where its data is when it is loaded, here as in the worker.
  process.env['KUMA_DATA'] = env.KUMA_DATA
  let worker: ChildProcess | undefined
  let app: Celerity | undefined
  try {
    const scenario = (await importModule(join(example, 'demo.ts'))) as unknown as Scenario
    app = scenario.default
    app.configure(resolveSettings(await readSources({ cwd: example, env, flags: {} }), app.declared).settings, options.log)
    await requireEmpty(app)
    worker = startWorker(options.root, example, env)
    const began = performance.now()
    const results = [...(await watchUntilDone(app, await scenario.send(), worker, options, signal))]
    results.push(...(await watchUntilDone(app, await scenario.finish(), worker, options, signal)))
    const seconds = (performance.now() - began) / 1000
    const left =
      options.brokerUrl === null ? 'nothing is left' : `what is left there begins with ${prefix} (Redis), its results expire in 10 minutes`
    return { broker: brokerUrl, seconds, tasks: rows(results), outcome: await scenario.report(), left }
  } finally {
    await app?.close()
    if (worker !== undefined) await end(worker)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Where keys have no prefix (a SQLite file of somebody's own) the demo's worker would run, or bury, what is not the demo's. */
async function requireEmpty(app: Celerity): Promise<void> {
  const { queues } = await app.broker()
  const held = (await queues.counts(await queues.names())).filter(
    ({ ready, delayed, suspects, leased }) => ready + delayed + suspects + leased > 0,
  )
  if (held.length === 0) return
  throw new CelerityError('E_USAGE', {
    message: `That broker holds messages already, in ${held.map(({ queue }) => queue).join(', ')}`,
    hint: 'The demo works off whatever it finds: give it a broker of its own, or leave out --broker.',
  })
}

/** Without the settings of whoever runs it: the demo is the same everywhere. */
function startWorker(root: string, cwd: string, env: Readonly<Record<string, string>>): ChildProcess {
  const outer = Object.entries(process.env).filter(([name]) => !/^(TASKS|CELERY|CELERYD|BROKER)_/.test(name))
  const argv = [join(root, 'bin', 'tasks.js'), 'worker', '--quiet', '--log-level', 'error', '--log-format', 'text']
  return spawn(process.execPath, argv, { cwd, env: { ...Object.fromEntries(outer), ...env }, stdio: ['ignore', 'inherit', 'inherit'] })
}

/** Until everything that was sent, and everything that sends in turn, has a final state and nothing waits in the queues. */
async function watchUntilDone(
  app: Celerity,
  sent: readonly AsyncResult[],
  worker: ChildProcess,
  { watch }: DemoOptions,
  signal: AbortSignal,
): Promise<readonly TaskResult[]> {
  const broker = await app.broker()
  const store = await app.results()
  const queues = await broker.queues.names()
  const ids = new Set(sent.map(({ id }) => id))
  const final = new Map<string, TaskResult>()
  const end = performance.now() + PATIENCE_SECONDS * 1000
  for (;;) {
    signal.throwIfAborted()
    if (worker.exitCode !== null)
      throw new CelerityError('E_TASK_FAILED', { message: `the demo's worker ended with exit code ${worker.exitCode}` })
    if (performance.now() > end)
      throw new CelerityError('E_RESULT_TIMEOUT', { message: `the demo was not done after ${PATIENCE_SECONDS} s` })

    const open = [...ids].filter((id) => !final.has(id))
    let retrying = 0
    let progress: DemoMoment['progress'] = null
    for (const json of await store.get(open)) {
      const decoded = json === null ? null : decodeResult(json)
      if (decoded === null || !decoded.ok) continue
      const { result } = decoded
      const state = stateOf(result.outcome)
      if (state === 'RETRY') retrying++
      if (result.outcome.kind === 'meta') progress ??= progressOf(result.outcome.meta)
      if (!isFinal(state)) continue
      final.set(result.id, result)
      for (const child of result.children ?? []) ids.add(child.id)
    }
    const counts = await broker.queues.counts(queues)
    const waiting = counts.reduce((sum, { ready, delayed, suspects, leased }) => sum + ready + delayed + suspects + leased, 0)
    watch({ sent: ids.size, done: final.size, retrying, progress })
    // Tasks that ignore their result are done when nothing waits any more.
    if (waiting === 0) return [...final.values()]
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

function progressOf(meta: unknown): DemoMoment['progress'] {
  if (typeof meta !== 'object' || meta === null) return null
  const { done, total } = meta as Record<string, unknown>
  return typeof done === 'number' && typeof total === 'number' ? { done, total } : null
}

function rows(results: readonly TaskResult[]): readonly DemoRow[] {
  const byTask = new Map<string, { task: string; succeeded: number; failed: number; retries: number }>()
  for (const { outcome, extended } of results) {
    const task = extended?.name ?? 'unknown'
    const row = byTask.get(task) ?? { task, succeeded: 0, failed: 0, retries: 0 }
    if (outcome.kind === 'success') row.succeeded++
    else row.failed++
    row.retries += extended?.retries ?? 0
    byTask.set(task, row)
  }
  return [...byTask.values()].sort((a, b) => a.task.localeCompare(b.task))
}

async function end(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return
  const gone = new Promise((resolve) => worker.once('exit', resolve))
  worker.kill('SIGTERM')
  const limit = setTimeout(() => worker.kill('SIGKILL'), 5_000)
  await gone
  clearTimeout(limit)
}
