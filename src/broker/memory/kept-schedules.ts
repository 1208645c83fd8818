/** What the connections of one memory broker share of its schedules. */
import { isDeepStrictEqual } from 'node:util'
import type { Outgoing } from '../broker.js'
import { continuationOf, entryTaskOf } from '../entry-header.js'
import { type EntrySource, HISTORY_KEPT, type Occurrence, type Reign } from '../schedules.js'

export class KeptSchedules {
  readonly entries = new Map<string, KeptEntry>()
  /** Name → version of the removal, the oldest first. */
  readonly removed = new Map<string, number>()
  /** Version of the last removal that is not remembered any more. */
  forgotten = 0
  version = 0
  epoch = 0
  lead: { readonly reign: Reign /** Monotonic milliseconds. */; readonly leaseEnd: number } | null = null
  /** Those that are over, newest first. */
  reigns: readonly Reign[] = []

  /** A message is gone for good: unless a follow-up goes on with it, it holds its entry open no more. */
  ended(raw: Buffer, followUps?: readonly Outgoing[]): void {
    if (this.entries.size === 0) return
    const task = entryTaskOf(raw)
    if (task !== undefined && continuationOf(task, followUps) === undefined) this.entries.get(task.entry)?.holds.delete(task.id)
  }
}

export class KeptEntry {
  readonly name: string
  json: string
  source: EntrySource
  enabled = true
  planned: number | null
  over = false
  lastDue: number | null = null
  lastSent: number | null = null
  runs = 0
  by: string | null = null
  /** Task id → wall-clock millisecond at which it holds no longer in any case. */
  readonly holds = new Map<string, number>()
  history: readonly Occurrence[] = []
  /** Of the last edit. */
  version: number

  constructor(fields: Pick<KeptEntry, 'name' | 'json' | 'source' | 'planned' | 'version'>) {
    this.name = fields.name
    this.json = fields.json
    this.source = fields.source
    this.planned = fields.planned
    this.version = fields.version
  }

  open(now: number): readonly string[] {
    return [...this.holds].filter(([, until]) => until > now).map(([id]) => id)
  }
  hold(id: string, forMs: number | null, now: number): void {
    for (const [other, until] of this.holds) if (until <= now) this.holds.delete(other)
    this.holds.set(id, forMs === null ? Number.POSITIVE_INFINITY : now + forMs)
  }
  sent(now: number, by: string): void {
    this.lastSent = now
    this.runs++
    this.by = by
  }
  wasRun(ids: readonly string[]): boolean {
    return this.history.some((each) => each.epoch === null && isDeepStrictEqual(each.ids, ids))
  }
  note(occurrence: Occurrence): void {
    this.history = [occurrence, ...this.history].slice(0, HISTORY_KEPT)
  }
}
