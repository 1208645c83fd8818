/** Schedules in memory. Every method runs to its end without a pause, so each is one step. */
import type { Clock } from '../../clock.js'
import {
  type Candidate,
  type Entries,
  HISTORY_KEPT,
  type Leadership,
  type NewEntry,
  type Occurrence,
  REMOVED_KEPT,
  type Reign,
  type Run,
  type Schedules,
  type StoredEntry,
  type Tick,
  type TickOutcome,
} from '../schedules.js'
import { KeptEntry } from './kept-schedules.js'
import type { MemoryServer } from './server.js'

export class MemorySchedules implements Schedules {
  readonly #server: MemoryServer
  readonly #clock: Clock
  /** Throws when the connection was closed. */
  readonly #check: () => void

  constructor(server: MemoryServer, clock: Clock, check: () => void) {
    this.#server = server
    this.#clock = clock
    this.#check = check
  }

  async lead({ id, node }: Candidate, leaseMs: number): Promise<Leadership> {
    this.#check()
    const { schedules } = this.#server
    const now = this.#clock.now()
    const end = this.#clock.monotonic() + leaseMs
    const current = this.#current()
    if (current !== null && current.reign.id !== id) {
      return { leader: false, node: current.reign.node, until: now + (current.leaseEnd - this.#clock.monotonic()), now }
    }
    if (current !== null) schedules.lead = { reign: { ...current.reign, until: now + leaseMs }, leaseEnd: end }
    else {
      this.#endReign()
      schedules.epoch++
      schedules.lead = { reign: { id, node, epoch: schedules.epoch, from: now, until: now + leaseMs }, leaseEnd: end }
    }
    return { leader: true, epoch: schedules.epoch, now }
  }

  async yield(id: string): Promise<void> {
    this.#check()
    const { lead } = this.#server.schedules
    if (lead?.reign.id !== id) return
    const now = this.#clock.now()
    this.#server.schedules.lead = { ...lead, reign: { ...lead.reign, until: Math.min(lead.reign.until, now) } }
    this.#endReign()
  }

  async leader(): Promise<Reign | null> {
    this.#check()
    return this.#current()?.reign ?? null
  }

  async leaders(limit: number): Promise<readonly Reign[]> {
    this.#check()
    const { lead, reigns } = this.#server.schedules
    return [...(lead === null ? [] : [lead.reign]), ...reigns].slice(0, Math.min(limit, HISTORY_KEPT))
  }

  async version(): Promise<number> {
    this.#check()
    return this.#server.schedules.version
  }

  async entries(since?: number): Promise<Entries> {
    this.#check()
    const { entries, removed, version, forgotten } = this.#server.schedules
    const complete = since === undefined || since < forgotten
    const after = complete ? 0 : since
    return {
      version,
      complete,
      entries: [...entries.values()]
        .filter((entry) => entry.version > after)
        .map((entry) => shown(entry, this.#clock.now()))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
      removed: complete ? [] : [...removed].filter(([, at]) => at > after).map(([name]) => name),
    }
  }

  async put(entries: readonly NewEntry[]): Promise<readonly boolean[]> {
    this.#check()
    return entries.map((entry) => this.#put(entry))
  }

  async remove(names: readonly string[]): Promise<number> {
    this.#check()
    const { schedules } = this.#server
    let count = 0
    for (const name of names) {
      if (!schedules.entries.delete(name)) continue
      count++
      schedules.removed.set(name, ++schedules.version)
    }
    for (const [name, at] of schedules.removed) {
      if (schedules.removed.size <= REMOVED_KEPT) break
      schedules.removed.delete(name)
      schedules.forgotten = at
    }
    return count
  }

  async setEnabled(name: string, enabled: boolean): Promise<boolean> {
    this.#check()
    const entry = this.#server.schedules.entries.get(name)
    if (entry === undefined || entry.enabled === enabled) return entry !== undefined
    entry.enabled = enabled
    if (enabled) entry.planned = null
    entry.version = ++this.#server.schedules.version
    return true
  }

  async ticks(id: string, epoch: number, ticks: readonly Tick[]): Promise<readonly TickOutcome[]> {
    this.#check()
    const reign = this.#server.schedules.lead?.reign
    if (reign?.id !== id || reign.epoch !== epoch) return ticks.map(() => 'lost')
    return ticks.map((tick) => this.#tick(tick, reign))
  }

  async run(name: string, { publish, ids, by, hold }: Run): Promise<boolean> {
    this.#check()
    const entry = this.#server.schedules.entries.get(name)
    if (entry === undefined) return false
    if (entry.wasRun(ids)) return true
    const now = this.#clock.now()
    if (hold !== undefined) entry.hold(hold.id, hold.forMs, now)
    entry.sent(now, by)
    entry.note({ due: now, at: now, outcome: 'by-hand', ids, node: by, epoch: null })
    this.#server.publish(publish, now)
    return true
  }

  async release(name: string): Promise<void> {
    this.#check()
    this.#server.schedules.entries.get(name)?.holds.clear()
  }

  async history(name: string, limit: number): Promise<readonly Occurrence[]> {
    this.#check()
    return this.#server.schedules.entries.get(name)?.history.slice(0, limit) ?? []
  }

  /** Null when nobody leads, or the lease has run out. */
  #current() {
    const { lead } = this.#server.schedules
    return lead !== null && lead.leaseEnd > this.#clock.monotonic() ? lead : null
  }

  #endReign(): void {
    const { schedules } = this.#server
    if (schedules.lead === null) return
    schedules.reigns = [schedules.lead.reign, ...schedules.reigns].slice(0, HISTORY_KEPT)
    schedules.lead = null
  }

  #put({ name, json, source, ...rest }: NewEntry): boolean {
    const planned = rest.planned ?? null
    const { schedules } = this.#server
    const entry = schedules.entries.get(name)
    if (entry !== undefined && entry.json === json && entry.source === source) return false
    const version = ++schedules.version
    if (entry === undefined) {
      schedules.entries.set(name, new KeptEntry({ name, json, source, planned, version }))
      schedules.removed.delete(name)
      return true
    }
    if (entry.json !== json) Object.assign(entry, { planned, over: false })
    Object.assign(entry, { json, source, version })
    return true
  }

  #tick({ name, planned, next, publish, note, hold }: Tick, { node, epoch }: Reign): TickOutcome {
    const entry = this.#server.schedules.entries.get(name)
    if (entry === undefined || !entry.enabled || entry.over || entry.planned !== planned) return 'stale'
    const now = this.#clock.now()
    const isOpen = hold !== undefined && entry.open(now).length > 0
    if (isOpen && hold.whenOpen === 'wait') return 'open'
    entry.planned = next
    entry.over = next === null
    if (note !== undefined) {
      entry.lastDue = note.due
      if (!isOpen && note.ids.length > 0) entry.sent(now, node)
      const said = isOpen ? { outcome: 'skipped-overlap', ids: [] } : note
      entry.note({ due: note.due, at: now, outcome: said.outcome, ids: said.ids, node, epoch })
    }
    if (isOpen) return 'open'
    if (hold !== undefined) entry.hold(hold.id, hold.forMs, now)
    this.#server.publish(publish, now)
    return 'sent'
  }
}

function shown(entry: KeptEntry, now: number): StoredEntry {
  const { name, json, source, enabled, planned, over, lastDue, lastSent, runs, by } = entry
  return { name, json, source, enabled, planned, over, lastDue, lastSent, runs, by, open: entry.open(now) }
}
