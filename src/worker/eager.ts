/**
 * The worker's own path without a broker, for `taskAlwaysEager` and `.apply()`: real bytes, decoding, validation, limits, retries, results,
 * callbacks. What waits in a worker (ETA, the delay of a retry) happens at once here, as in Celery.
 */
import type { Celerity } from '../app/celerity.js'
import type { Runtime } from '../app/runtime.js'
import type { Delivery } from '../broker/broker.js'
import { CelerityError } from '../errors.js'
import { encodeResult } from '../protocol/result.js'
import { openResults } from '../results/open.js'
import type { ResultStore } from '../results/store.js'
import { RunContext } from './context.js'
import { createOutcomes } from './create-outcomes.js'
import { reportOverrun } from './report.js'
import { accept, decodeLimits, type Intake } from './request.js'
import { Run } from './run.js'
import type { Outcomes } from './settlement.js'
import type { Settling } from './settler.js'
import { type Tracing, trace } from './trace.js'

interface Stage {
  readonly outcomes: Outcomes
  readonly results: ResultStore
  readonly intake: Intake
  readonly tracing: Tracing
}

/** @returns the JSON of the result, as a store would keep it */
export async function runInProcess(app: Celerity, raw: Buffer): Promise<string> {
  const runtime = await app.runtime()
  const results = await openResults('memory://')
  try {
    const id = await play(raw, stage(app, runtime, results))
    const [json] = await results.get([id])
    // Nothing is stored of a task that ignores its result: then only that it has ended is known.
    return json ?? encodeResult({ id, outcome: { kind: 'success', value: null }, dateDone: Date.now(), markers: true })
  } finally {
    await results.close()
  }
}

function stage(app: Celerity, runtime: Runtime, results: ResultStore): Stage {
  const { clock, log, settings } = runtime
  const outcomes = createOutcomes(runtime, { store: results, brokerServer: '', node: `eager@${process.pid}` })
  const store = async (run: Run, state: string, meta: unknown) => {
    const result = outcomes.state(run.request, state, meta)
    if (result !== null) await results.set([result])
  }
  return {
    outcomes,
    results,
    intake: {
      limits: decodeLimits(settings),
      definition: (name) => app.registry.get(name),
      isRevoked: () => false,
      isStampRevoked: () => false,
    },
    tracing: {
      context: (run) => new RunContext(run, { log, store }),
      monotonic: () => clock.monotonic(),
      brokerNow: () => clock.now(),
      random: Math.random,
      overran: (run, after, handler) => reportOverrun(log, run, after, handler),
    },
  }
}

/** Runs a message, then again while it retries, then what follows from it. Returns its id. */
async function play(raw: Buffer, stage: Stage): Promise<string> {
  const { outcomes, results, intake, tracing } = stage
  const delivery: Delivery = { lane: { name: '1/1', seq: 1, queue: 'eager', size: 1 }, position: 0, raw }
  const now = Date.now()
  const first = accept(delivery, intake, now)
  const accepted = first.kind === 'park' ? accept(delivery, intake, first.due) : first
  if (accepted.kind === 'park') throw new CelerityError('E_USAGE', { message: 'a task that is never due cannot be run' })

  let settling: Settling
  let id: string | null
  if (accepted.kind === 'run') {
    const run = new Run(accepted.request, tracing.monotonic())
    id = run.id
    const finished = await trace(run, tracing)
    if (finished === null) throw new CelerityError('E_INTERNAL', { message: 'no worker stops here' })
    settling = outcomes.of(run, finished).settling
  } else {
    id = accepted.kind === 'unreadable' ? accepted.bad.id : accepted.message.id
    settling = outcomes.ofRefused(delivery, accepted)
  }
  if (id === null) throw new CelerityError('E_DECODE', { message: 'the message that was made for this call cannot be read' })

  await results.set(settling.results ?? [])
  for (const { raw: next } of settling.settlement.publish ?? [])
    await play(typeof next === 'string' ? Buffer.from(next) : Buffer.from(next), stage)
  return id
}
