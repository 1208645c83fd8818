import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.js'
import type { Call } from '../peers/peer.js'
import { type Scenario, unless } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import { monotonic } from '../stage/ledger.js'
import { complaints, type GroupProcess } from '../stage/processes.js'
import type { Stage } from '../stage/stage.js'

/** Seconds that a stop may take beyond the grace. */
export const BEYOND = 2
const GRACE = 5
/** Seconds: long, for a busy machine that makes a worker lose its lease is no stop. */
const LEASE = 15

/** How it is told to stop, and the code it has to end with. `outlasted`: what runs goes back, though it may still come to its end. */
interface Stop {
  readonly kind: string
  readonly code: number
  readonly outlasted: boolean
  /** The last of many signals may find Node already taken down: then it is the signal that ends it, which shells show as the same number. */
  readonly orBySignal?: NodeJS.Signals
  tell(stage: Stage, worker: GroupProcess): Promise<void> | void
}

const IN_ORDER: Stop = { kind: 'TERM', code: 0, outlasted: false, tell: (stage, worker) => stage.stop(worker) }

const STOPS: readonly Stop[] = [
  IN_ORDER,
  { kind: 'INT', code: 0, outlasted: false, tell: (stage, worker) => stage.stop(worker, { signal: 'SIGINT' }) },
  { kind: 'HUP', code: 0, outlasted: false, tell: (stage, worker) => stage.stop(worker, { signal: 'SIGHUP' }) },
  { kind: 'TERM twice', code: 143, outlasted: true, tell: (stage, worker) => twice(stage, worker, 'SIGTERM') },
  { kind: 'INT twice', code: 130, outlasted: true, tell: (stage, worker) => twice(stage, worker, 'SIGINT') },
  { kind: 'QUIT', code: 143, outlasted: true, tell: (stage, worker) => stage.stop(worker, { signal: 'SIGQUIT', outlasted: true }) },
  {
    kind: 'a storm of TERM',
    code: 143,
    orBySignal: 'SIGTERM',
    outlasted: true,
    async tell(stage, worker) {
      stage.stop(worker, { outlasted: true })
      for (let signal = 0; signal < 1000 && worker.isAlive; signal++) {
        worker.signal('SIGTERM')
        if (signal % 10 === 0) await sleep(2) // those that pend at the same time are one
      }
    },
  },
]

async function twice(stage: Stage, worker: GroupProcess, signal: NodeJS.Signals): Promise<void> {
  worker.signal(signal)
  await worker.said(/once more to stop now/)
  stage.stop(worker, { signal, outlasted: true })
}

export const stops: Scenario = {
  name: 'T14',
  what: 'workers are told to stop, in every way, with tasks running and waiting',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 700, faults: 20 },
  play: (stage, scale) => playStops(stage, scale, STOPS),
}

/** Only TERM, once: then nothing at all starts twice. */
export const orderlyStops: Scenario = {
  name: 'T14o',
  what: 'workers are told to stop once, with tasks running and waiting',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 700, faults: 20 },
  play: (stage, scale) => playStops(stage, scale, [IN_ORDER]),
}

async function playStops(stage: Stage, { tasks, faults }: { readonly tasks: number; readonly faults: number }, kinds: readonly Stop[]) {
  const random = stage.random('stop')
  const calls = Array.from(
    { length: tasks },
    (_, at): Call => ({ id: `t${at}`, task: 'system.sleep', args: [Math.floor(10 + 390 * random())] }),
  )
  await stage.send(calls)
  const spans: number[] = []
  const broken: string[] = []
  let made = 0
  let late = 0
  let told = 0
  const stopOneByOne = async (name: string) => {
    for (let stop = made++; stop < faults; stop = made++) {
      const kind = kinds[stop % kinds.length] ?? IN_ORDER
      const worker = await stage.worker(`${name}${stop}`, { lease: LEASE, flags: ['--grace', `${GRACE}`, '--prefetch-multiplier', '4'] })
      const starts = 4 + Math.floor(8 * random())
      await eventually(() => startsIn(stage, worker) >= starts || stage.ledger.done >= tasks * 0.9, 20)
      const asked = monotonic()
      await kind.tell(stage, worker)
      const { code, signal } = await worker.ended
      const span = (monotonic() - asked) / 1000
      spans.push(span)
      if (worker.output.includes('comes back when its lease has run out')) late++
      // One whose tasks were done before the second word came has stopped in order.
      const wanted = kind.outlasted && !worker.output.includes('stopping now') ? 0 : kind.code
      if (wanted !== 0) told++
      broken.push(
        ...unless(
          code === wanted || (signal !== null && signal === kind.orBySignal),
          `${kind.kind}: ended with ${signal ?? code}, not ${wanted}`,
        ),
        ...unless(span < (kind.outlasted ? BEYOND : GRACE + BEYOND), `${kind.kind}: took ${span.toFixed(1)} s`),
        ...complaints(worker),
      )
      stage.progress(`stop ${stop + 1} of ${faults}, ${stage.ledger.done} of ${tasks} done`)
    }
  }

  await Promise.all([stopOneByOne('a'), stopOneByOne('b')])
  const last = await stage.worker('last', { concurrency: 20 })
  const ids = calls.map(({ id }) => id)
  await stage.allFinal(ids)
  const findings = await stage.findings(ids, [last])
  const outlasted = kinds.some((kind) => kind.outlasted)
  return {
    broken: [
      ...broken,
      ...violations(findings),
      ...unless(outlasted || findings.restarts === 0, `started again: ${findings.restarts}`),
      ...unless(findings.doneTwice === 0, `done twice: ${findings.doneTwice}`),
      ...unless(!outlasted || told > 0, 'no worker was told to stop now'),
    ],
    findings,
    figures: { stops: faults, 'gave back by their lease': late, 'the longest took': `${Math.max(...spans).toFixed(2)} s` },
  }
}

export function startsIn(stage: Stage, worker: GroupProcess): number {
  return stage.ledger.lines().filter((line) => line.kind === 'S' && line.pid === worker.pid).length
}

/** Two workers are told to stop while the broker does not answer: what they could not settle comes back. */
export const stopsApart: Scenario = {
  name: 'T14b',
  what: 'workers are told to stop while the broker is out of reach',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 16, faults: 1 },
  async play(stage, { faults }) {
    const spans: number[] = []
    const ids: string[] = []
    const broken: string[] = []
    const grace = 1
    const flags = ['--grace', `${grace}`, '--prefetch-multiplier', '3']
    let last: GroupProcess | undefined
    for (let fault = 0; fault < faults; fault++) {
      if (last !== undefined) await stopInOrder(stage, last)
      const calls = Array.from(
        { length: 16 },
        (_, at): Call => ({ id: `t${fault}-${at}`, task: 'system.sleep', args: [at % 2 === 0 ? 400 : 1200] }),
      )
      ids.push(...calls.map(({ id }) => id))
      await stage.send(calls)
      const [busy, idle] = await Promise.all([
        stage.worker(`busy${fault}`, { flags }),
        stage.worker(`idle${fault}`, { flags: [...flags, '-Q', 'other'] }),
      ])
      await eventually(() => stage.ledger.running(busy.pid).size === 4)
      await stage.away(async () => {
        await eventually(() => stage.ledger.running(busy.pid).size <= 2) // outcomes wait for the broker, and so does the idle one's take
        const stopped = await Promise.all([busy, idle].map((worker) => stopInOrder(stage, worker)))
        for (const { span, code } of stopped) {
          spans.push(span)
          broken.push(...unless(code === 0, `ended with ${code}`), ...unless(span < grace + BEYOND, `took ${span.toFixed(1)} s`))
        }
      })
      last = await stage.worker(`last${fault}`)
      await stage.allFinal(ids)
      await stage.settled([last])
    }
    const findings = await stage.findings(ids, last === undefined ? [] : [last])
    return { broken: [...broken, ...violations(findings)], findings, figures: { 'the longest took': `${Math.max(...spans).toFixed(2)} s` } }
  },
}

async function stopInOrder(stage: Stage, worker: GroupProcess): Promise<{ readonly span: number; readonly code: number | null }> {
  const asked = monotonic()
  stage.stop(worker)
  const { code } = await worker.ended
  return { span: (monotonic() - asked) / 1000, code }
}
