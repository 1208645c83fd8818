/**
 * Every step of the protocol: a run of three tasks for each command that a process sends, in which this command's request or reply is lost
 * and then the process is killed, the connection is reset, or the server is killed. What random kills seldom hit is hit here by number.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.js'
import { type Broken, type Loss, StepWire } from '../faults/step-wire.js'
import type { Call } from '../peers/peer.js'
import { play, type Scenario, unless, type Verdict } from '../scenario.js'
import { RedisStand } from '../stage/brokers.js'
import { violations } from '../stage/invariants.js'
import { monotonic } from '../stage/ledger.js'
import type { GroupProcess } from '../stage/processes.js'
import type { Stage } from '../stage/stage.js'

type Blow = 'process killed' | 'connection reset' | 'server killed'
type Subject = 'worker' | 'producer'

interface Window {
  readonly subject: Subject
  readonly loss: Loss
  readonly blow: Blow
}

const SUBJECTS: readonly Subject[] = ['worker', 'producer']
const LOSSES: readonly Loss[] = ['request', 'reply']
const BLOWS: readonly Blow[] = ['process killed', 'connection reset', 'server killed']
const ALL = SUBJECTS.flatMap((subject) => LOSSES.flatMap((loss) => BLOWS.map((blow): Window => ({ subject, loss, blow }))))

/** Seconds. Only a successor has to wait for it; for all others it is long, so that a busy machine is no fault of its own. */
const LEASES: Readonly<Record<Blow, number>> = { 'process killed': 4, 'connection reset': 20, 'server killed': 20 }
/** What a producer sends. */
const SENT = 3
/** Runs at the same time: each waits for its lease for most of its time. */
const AT_ONCE = 5
/** A process that is idle asks again and again: past this many commands nothing new comes. */
const MAX_STEPS = 200

export const steps = everyStep(
  'T2',
  'at every command of a run the request or the reply is lost, and then a process, connection or server',
  ALL,
)

/** The part of it that tests play each time. */
export const lostReplies = everyStep('T2w', 'at every command of a worker the reply is lost, and its connection reset', [
  { subject: 'worker', loss: 'reply', blow: 'connection reset' },
])
export const lostAcceptances = everyStep(
  'T2p',
  'at every command of a producer the request or the reply is lost, and then a process, connection or server',
  ALL.filter(({ subject }) => subject === 'producer'),
)

/** At each command, or at every `tasks`th of them, from one on that the seed picks. @param windows what is done there */
function everyStep(name: string, what: string, windows: readonly Window[]): Scenario {
  return {
    name,
    what,
    brokers: ['redis'],
    usual: { tasks: 1, faults: MAX_STEPS },
    async play(stage, { tasks: stride, faults }) {
      const first = 1 + Math.floor(stride * stage.random('first step')())
      const runs = windows.map((window) => new Run(stage, window, { first, stride, most: faults }))
      const lanes = Array.from({ length: AT_ONCE }, async () => {
        for (let run = runs.find((one) => !one.over); run !== undefined; run = runs.find((one) => !one.over)) await run.next()
      })
      await Promise.all(lanes)
      const figures = runs.map(({ window, hit }) => [`${window.subject}, ${window.loss} lost, ${window.blow}`, hit])
      const hits = runs.reduce((sum, { hit }) => sum + hit, 0)
      return { broken: runs.flatMap(({ broken }) => broken), figures: { ...Object.fromEntries(figures), 'steps in all': hits } }
    },
  }
}

/** Numbers of commands: `first` and every `stride`th after it. */
interface Which {
  readonly first: number
  readonly stride: number
  readonly most: number
}

/** One window, at one command after the other until the process has no more of them. */
class Run {
  readonly window: Window
  readonly broken: string[] = []
  /** In how many of them something was lost; a reply that never came can't be. */
  hit = 0
  over = false
  readonly #stage: Stage
  readonly #which: Which
  #next: number

  constructor(stage: Stage, window: Window, which: Which) {
    this.#stage = stage
    this.window = window
    this.#which = which
    this.#next = which.first
  }

  async next(): Promise<void> {
    const number = this.#next
    this.#next += this.#which.stride
    if (this.#next > this.#which.most) this.over = true
    const { subject, loss, blow } = this.window
    const one = new OneRun(this.window, number)
    const { binary } = this.#stage.redis
    const { broken, folder } = await play(one, { tasks: 3, faults: 1 }, { seed: this.#stage.seed, open: () => RedisStand.open(binary) })
    if (one.ran && !one.reached) this.over = true
    if (one.hit) this.hit++
    this.broken.push(...broken.map((line) => `${number} (${one.command}), ${subject}, ${loss} lost, ${blow}: ${line} [${folder}]`))
    this.#stage.progress(`${subject}, ${loss} lost, ${blow}: command ${number} (${one.command})${broken.length === 0 ? '' : ' BROKEN'}`)
  }
}

/** A server, a producer, a worker, three tasks, and one thing lost. */
class OneRun implements Pick<Scenario, 'play'> {
  readonly #window: Window
  readonly #number: number
  #wire: StepWire | undefined
  #blow: Promise<void> | undefined
  /** It was played to the end of its process. */
  ran = false

  constructor(window: Window, number: number) {
    this.#window = window
    this.#number = number
  }

  /** Whether the process sent so many commands. */
  get reached(): boolean {
    return (this.#wire?.count ?? 0) >= this.#number
  }

  get hit(): boolean {
    return this.#wire?.hit ?? false
  }

  get command(): string {
    return this.#wire?.command ?? ''
  }

  async play(stage: Stage): Promise<Verdict> {
    let subject: GroupProcess | undefined
    const stored = new Map<string, number>()
    const lost = (broken: Broken) => {
      this.#blow = this.#strike(stage, broken, () => subject, stored)
    }
    const step = { number: this.#number, loss: this.#window.loss }
    const wire = stage.opened(await StepWire.open(stage.redis.server.port, step, lost))
    this.#wire = wire
    const ids = this.#window.subject === 'worker' ? CALLS.map(({ id }) => id) : Array.from({ length: SENT }, (_, at) => `t${at}`)
    const all = [...ids, ...CALLS.flatMap(({ link }) => (this.#window.subject === 'worker' && link !== undefined ? [link] : []))]
    const workers: GroupProcess[] = []

    if (this.#window.subject === 'worker') {
      await stage.send(CALLS)
      subject = stage.startWorker('worker', { concurrency: 2, lease: LEASES[this.#window.blow], url: wire.url })
      workers.push(subject)
      await this.#untilFinal(stage, all, subject, workers)
      await this.#stop(stage, subject)
    } else {
      workers.push(await stage.worker('worker', { concurrency: 2, lease: LEASES[this.#window.blow] }))
      subject = stage.program('producer.ts', [`${SENT}`, '10'], wire.url)
      await subject.ended
      await this.#blow
      await stage.allFinal(stage.accepted())
      // What was stored before its sender could be told runs too.
      await eventually(async () => {
        const { ready, leased } = await stage.counts()
        return ready + leased === 0
      }, 20)
    }
    this.ran = true
    await this.#blow
    // Whoever is left, or comes next, finds what a dead worker has left behind.
    if (workers.every(({ isAlive }) => !isAlive))
      workers.push(await stage.worker('successor', { concurrency: 2, lease: LEASES[this.#window.blow] }))
    const findings = await stage.findings(all, workers)
    const isKill = this.#window.blow === 'process killed'
    const again = stage.ledger.lines().flatMap((line) => (line.kind === 'S' && (stored.get(line.id) ?? line.at) < line.at ? [line.id] : []))
    return {
      broken: [
        ...violations(findings, { early: (id) => isKill && id === 'early' }),
        ...unless(isKill || findings.restarts === 0, `started again: ${findings.restarted.join(', ')}`),
        ...unless(again.length === 0, `started though it had its final state: ${again.join(', ')}`),
      ],
      findings,
      figures: {},
    }
  }

  /** A worker that is gone before all is done is replaced. */
  async #untilFinal(stage: Stage, ids: readonly string[], worker: GroupProcess, workers: GroupProcess[]): Promise<void> {
    const final = stage.allFinal(ids, 40)
    await Promise.race([final, worker.ended])
    if (!worker.isAlive) workers.push(await stage.worker('successor', { concurrency: 2, lease: LEASES[this.#window.blow] }))
    await final
  }

  /** Here too something may be lost. */
  async #stop(stage: Stage, worker: GroupProcess): Promise<void> {
    if (!worker.isAlive) return
    await worker.said(stage.peer.ready).catch(() => {}) // it may have been killed before
    stage.stop(worker)
    await worker.ended
  }

  async #strike(stage: Stage, broken: Broken, subject: () => GroupProcess | undefined, stored: Map<string, number>): Promise<void> {
    switch (this.#window.blow) {
      case 'connection reset':
        return broken.reset()
      case 'process killed': {
        const process = await eventually(subject)
        await stage.kill(process)
        for (const id of (await stage.client.finals(CALLS.map(({ id }) => id))).keys()) stored.set(id, monotonic())
        return
      }
      case 'server killed':
        return stage.away(() => sleep(50))
    }
  }
}

/** One with a callback, one that is retried, one that is acked early. */
const CALLS: readonly Call[] = [
  { id: 'linked', task: 'system.sleep', args: [20], link: 'linked-after' },
  { id: 'retried', task: 'system.retry', args: [20, 1] },
  { id: 'early', task: 'system.once', args: [20] },
]
