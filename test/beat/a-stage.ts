/** Beats on one memory broker, under a clock that stands still until it is turned. */
import { randomUUID } from 'node:crypto'
import { tickId } from '../../src/app/schedules.js'
import { Beat, type BeatOptions, type BeatParts } from '../../src/beat/beat.js'
import { Calendar } from '../../src/beat/calendar.js'
import type { Declaration } from '../../src/beat/declaration.js'
import type { Broker } from '../../src/broker/broker.js'
import { ENTRY_HEADER } from '../../src/broker/entry-header.js'
import { openBroker } from '../../src/broker/open.js'
import type { Schedules } from '../../src/broker/schedules.js'
import type { Clock } from '../../src/clock.js'
import { createLog, type LogFields, type LogLevel } from '../../src/log.js'
import { encodeEntry, type ScheduleEntry } from '../../src/protocol/schedule.js'
import { TestClock } from './a-clock.js'
import { ms } from './an-entry.js'

export const START = ms('2026-03-02T12:00:00Z')
const LEASE_MS = 10_000
const QUEUE = 'periodic'

export interface LogLine {
  readonly level: LogLevel
  readonly text: string
  readonly fields: LogFields
}

export class Stage {
  readonly clock = new TestClock(START)
  readonly lines: LogLine[] = []
  readonly #name = randomUUID()
  readonly #running: { readonly beat: Beat; readonly ended: Promise<void> }[] = []
  broker!: Broker

  async setUp(): Promise<void> {
    this.broker = await this.connect()
  }

  async tearDown(): Promise<void> {
    for (const { beat } of this.#running) beat.stop()
    await this.clock.pass(2)
    await Promise.all(this.#running.map(({ ended }) => ended))
    await this.broker.close()
  }

  /** The schedules of the broker, with something done around every call. */
  around(every: (method: string, call: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>): Schedules {
    return new Proxy(this.schedules, {
      get(target, key) {
        const method = Reflect.get(target, key) as (...args: unknown[]) => Promise<unknown>
        return (...args: unknown[]) => every(String(key), () => method.apply(target, args), args)
      },
    })
  }

  connect(): Promise<Broker> {
    return openBroker(`memory://${this.#name}`, { clock: this.clock })
  }

  get schedules(): Schedules {
    return this.broker.schedules
  }

  beat(entries: readonly ScheduleEntry[] = [], more: Partial<BeatOptions & BeatParts & Declaration & { clock: Clock }> = {}): Beat {
    const { node = 'beat@test', leaseMs = LEASE_MS, maxInterval = 1, once = false, problems = [], complete = true, ...parts } = more
    const log = createLog('debug', (level, text, fields) => this.lines.push({ level, text, fields }))
    const all: BeatParts = {
      schedules: this.schedules,
      declared: { entries, problems, complete },
      calendar: new Calendar('UTC'),
      clock: this.clock,
      log,
      message,
      holdMs: () => null,
      ...parts,
    }
    return new Beat(all, { node, leaseMs, maxInterval, once })
  }

  /** Runs it until the end of the test. */
  async start(beat: Beat): Promise<Beat> {
    this.#running.push({ beat, ended: beat.run() })
    await this.clock.pass(0)
    return beat
  }

  async store(...entries: readonly ScheduleEntry[]): Promise<void> {
    await this.schedules.put(entries.map((entry) => ({ name: entry.name, json: encodeEntry(entry), source: 'store' })))
  }

  /** Due times of what waits in the queue, in order, as `entry +seconds` after the start. */
  async sent(): Promise<readonly string[]> {
    const raws = await this.broker.queues.peek(QUEUE, 10_000)
    return raws.map((raw) => {
      const { entry, due } = JSON.parse(raw.toString()) as { entry: string; due: number }
      return `${entry} +${(due - START) / 1000}`
    })
  }

  /** A worker takes the oldest message and ends its task. */
  async finishOne(): Promise<void> {
    const consumer = await this.broker.register({ incarnation: randomUUID(), node: 'celery@test', leaseMs: 60_000, queues: [QUEUE] })
    const taken = await consumer.take(1, [QUEUE], 1)
    if (taken === 'lost') throw new Error('the lease was lost')
    await consumer.settle(taken.deliveries.map((delivery) => ({ delivery, fate: { kind: 'ack' } })))
    await consumer.resign()
  }

  said(pattern: RegExp): readonly string[] {
    return this.lines.filter(({ text }) => pattern.test(text)).map(({ text }) => text)
  }
}

function message(entry: ScheduleEntry, due: number) {
  const id = tickId(entry.name, due)
  const headers = { id, ...(entry.overlap === 'allow' ? {} : { [ENTRY_HEADER]: entry.name }) }
  return { id, outgoing: { queue: QUEUE, priority: 0, raw: JSON.stringify({ entry: entry.name, due, headers }) } }
}
