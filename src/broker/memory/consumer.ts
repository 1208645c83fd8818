/** One registered incarnation's side: take, start, settle, resign. Each method is one step that runs to its end without a pause. */
import type { Clock } from '../../clock.js'
import type { PreparedWrite } from '../../prepared-write.js'
import type { Consumer, Delivery, Settlement, Taken } from '../broker.js'
import { fairOrder, takeShares } from '../fair-share.js'
import { carryOut, type MemoryServer } from './server.js'
import { HeldLane, type Worker } from './worker.js'

/** Timers hold 24 days at most; a wait is a hint and may end early. */
const LONGEST_WAIT_S = 86_400

export class MemoryConsumer implements Consumer {
  readonly #server: MemoryServer
  readonly #worker: Worker
  readonly #clock: Clock
  /** Throws when the connection was closed. */
  readonly #check: () => void
  readonly #resigned: () => void

  constructor(server: MemoryServer, worker: Worker, clock: Clock, check: () => void, resigned: () => void) {
    this.#resigned = resigned
    this.#server = server
    this.#worker = worker
    this.#clock = clock
    this.#check = check
  }

  get incarnation(): string {
    return this.#worker.registration.incarnation
  }

  async take(seq: number, queues: readonly string[], max: number): Promise<Taken | 'lost'> {
    return this.#take(seq, queues, (now) => this.#pop(seq, queues, max, now))
  }

  async suspects(queues: readonly string[]): Promise<boolean> {
    this.#check()
    return queues.some((name) => (this.#server.queues.get(name)?.suspects.size ?? 0) > 0)
  }

  async takeSuspect(seq: number, queues: readonly string[]): Promise<Taken | 'lost'> {
    return this.#take(seq, queues, () => this.#popSuspect(seq, queues))
  }

  #take(seq: number, queues: readonly string[], popped: (now: number) => readonly HeldLane[]): Taken | 'lost' {
    this.#check()
    const worker = this.#worker
    if (!worker.epoch) return 'lost'
    const now = this.#clock.now()
    const lanes: HeldLane[] = []
    // A take of this number that held something is answered again from its lanes; it never pops twice.
    if (seq <= worker.lastSeq) lanes.push(...[...worker.lanes.values()].filter((lane) => lane.seq === seq && seq > worker.closedSeq))
    else if (seq > worker.closedSeq) lanes.push(...popped(now))
    const due = queues.map((name) => this.#server.queues.get(name)?.nextDue ?? null).filter((at) => at !== null)
    return {
      deliveries: lanes.flatMap(deliveriesOf),
      now,
      nextDue: due.length === 0 ? null : Math.min(...due),
      revocations: this.#server.revocations,
      broken: [],
    }
  }

  async wait(queues: readonly string[], seconds: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController()
    const wake = () => woken.abort()
    const look = () => {
      if (this.#mayTake(queues)) wake()
    }
    this.#server.waiters.add(look)
    signal.addEventListener('abort', wake, { once: true })
    if (signal.aborted) wake()
    look()
    try {
      await this.#clock.sleep(Math.min(seconds, this.#untilDue(queues), LONGEST_WAIT_S), woken.signal)
    } finally {
      this.#server.waiters.delete(look)
      signal.removeEventListener('abort', wake)
    }
  }

  async closeTake(seq: number): Promise<void> {
    this.#check()
    const worker = this.#worker
    if (!worker.epoch) return
    worker.closedSeq = Math.max(worker.closedSeq, seq)
    this.#giveBack([...worker.lanes.values()].filter((lane) => lane.seq === seq))
  }

  async start(deliveries: readonly Delivery[]): Promise<'ok' | 'lost'> {
    this.#check()
    if (!this.#worker.epoch) return 'lost'
    for (const { lane, position } of deliveries) {
      const held = this.#worker.lanes.get(lane.name)?.held.get(position)
      if (held !== undefined) held.early = true
    }
    return 'ok'
  }

  async tell({ lane, position }: Delivery, writes: readonly PreparedWrite[]): Promise<'ok' | 'lost'> {
    this.#check()
    const worker = this.#worker
    if (!worker.epoch) return 'lost'
    if (worker.lanes.get(lane.name)?.held.has(position) === true) for (const write of writes) carryOut(write)
    return 'ok'
  }

  async settle(settlements: readonly Settlement[]): Promise<'ok' | 'lost'> {
    this.#check()
    const worker = this.#worker
    if (!worker.epoch) return 'lost'
    const now = this.#clock.now()
    // What goes to the front goes last position first, so that a batch keeps its order.
    const [front, others] = partition(settlements, ({ fate }) => fate.kind === 'requeue' && fate.to === 'front')
    for (const settlement of [...others, ...front.reverse()]) {
      const lane = worker.lanes.get(settlement.delivery.lane.name)
      if (lane !== undefined) this.#server.settle(worker, lane, settlement.delivery.position, settlement, now)
    }
    return 'ok'
  }

  async consume(queues: readonly string[]): Promise<'ok' | 'lost'> {
    this.#check()
    if (!this.#worker.epoch) return 'lost'
    this.#worker.queues = [...queues]
    return 'ok'
  }

  async resign(): Promise<void> {
    this.#resigned()
    this.#check()
    const worker = this.#worker
    if (!worker.epoch) return
    worker.epoch = false
    this.#server.notes.delete(this.incarnation)
    worker.started = new Set() // a stop is no death: what stays (start records) is no suspect
    this.#giveBack([...worker.lanes.values()])
    if (worker.lanes.size === 0) this.#server.workers.delete(this.incarnation)
  }

  #pop(seq: number, queues: readonly string[], max: number, now: number): readonly HeldLane[] {
    const names = fairOrder(queues, seq)
    for (const name of names) this.#server.queues.get(name)?.moveDue(now)
    const lanes = new Map<string, HeldLane>()
    let left = max
    for (let step = 0; step < 4 && left > 0; step++) {
      left -= takeShares(names, left, (name, count) => {
        const messages = this.#server.queues.get(name)?.ready[step]?.pop(count) ?? []
        if (messages.length === 0) return 0
        const lane = lanes.get(`${name}:${step}`) ?? new HeldLane(seq, name, step)
        for (const message of messages) lane.add(message)
        lanes.set(`${name}:${step}`, lane)
        return messages.length
      })
    }
    return this.#hold(seq, [...lanes.values()])
  }

  #popSuspect(seq: number, queues: readonly string[]): readonly HeldLane[] {
    for (const name of fairOrder(queues, seq)) {
      const [message] = this.#server.queues.get(name)?.suspects.pop(1) ?? []
      if (message === undefined) continue
      const lane = new HeldLane(seq, name, message.step, true)
      lane.add(message)
      return this.#hold(seq, [lane])
    }
    return []
  }

  #hold(seq: number, lanes: readonly HeldLane[]): readonly HeldLane[] {
    for (const lane of lanes) this.#worker.lanes.set(lane.name, lane)
    if (lanes.length > 0) this.#worker.lastSeq = seq
    return lanes
  }

  #giveBack(lanes: readonly HeldLane[]): void {
    for (const lane of [...lanes].reverse()) this.#server.giveBack(this.#worker, lane)
  }

  #mayTake(queues: readonly string[]): boolean {
    return queues.some((name) => (this.#server.queues.get(name)?.readyCount ?? 0) > 0) || this.#untilDue(queues) <= 0
  }

  /** Seconds until the next delayed message of these queues is due. */
  #untilDue(queues: readonly string[]): number {
    const now = this.#clock.now()
    return Math.min(...queues.map((name) => ((this.#server.queues.get(name)?.nextDue ?? Number.POSITIVE_INFINITY) - now) / 1000))
  }
}

function deliveriesOf(lane: HeldLane): Delivery[] {
  return [...lane.held].map(([position, { message }]) => ({ lane, position, raw: message.raw }))
}

function partition<Item>(items: readonly Item[], test: (item: Item) => boolean): [Item[], Item[]] {
  const yes: Item[] = []
  const no: Item[] = []
  for (const item of items) (test(item) ? yes : no).push(item)
  return [yes, no]
}
