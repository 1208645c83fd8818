/**
 * The broker in one SQLite file, shared by the processes of one machine. What is a script on Redis is a transaction here; schema.ts has
 * the tables, take.ts and settle.ts the two steps that matter.
 */
import type { CelerityError } from '../../errors.js'
import { type Database, openDatabase, type Transaction } from '../../sqlite/database.js'
import type { FailureCodes } from '../../sqlite/failures.js'
import type {
  Broadcast,
  Broker,
  BrokerAbilities,
  Consumer,
  Heard,
  InFlight,
  Judge,
  KnownWorker,
  Outgoing,
  Registration,
  Renewal,
  StartedPosition,
  Subscription,
  Tended,
} from '../broker.js'
import { matches } from '../glob.js'
import type { BrokerOptions } from '../options.js'
import { Broadcasts } from './broadcasts.js'
import { SqliteConsumer } from './consumer.js'
import { SqliteJournal, sweepJournal } from './journal.js'
import { forgetNotes, KnownWorkers } from './known-workers.js'
import { LeaseWatch } from './lease-watch.js'
import { type Machine, thisMachine } from './machine.js'
import { Outbox } from './outbox.js'
import { moveDue } from './places.js'
import { SqliteQueues } from './queues.js'
import { findDead, reap } from './reaper.js'
import { SqliteSchedules } from './schedules.js'
import { SCHEMA } from './schema.js'
import { laneId, laneName } from './take.js'
import { findWorker } from './worker-row.js'

const CODES: FailureCodes = {
  url: 'E_BROKER_URL',
  busy: 'E_BROKER_UNREACHABLE',
  full: 'E_BROKER_UNREACHABLE', // whoever settles waits for room: an outcome is not to be given up
  large: 'E_BROKER_REFUSED',
  readonly: 'E_BROKER_REFUSED',
  damaged: 'E_BROKER_REFUSED',
  unsafe: 'E_BROKER_UNSAFE',
  io: 'E_BROKER_UNREACHABLE',
  closed: 'E_BROKER_UNREACHABLE',
}

const REGISTER = `INSERT INTO broker_worker (incarnation, node, queues, lease_ms, boot, lease_end, process)
  VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (incarnation) DO NOTHING`
const RENEW = 'UPDATE broker_worker SET boot = ?2, lease_end = ?3 + lease_ms, renewals = renewals + 1 WHERE id = ?1'
const LANES = 'SELECT id, seq FROM broker_lane WHERE worker = ? ORDER BY seq, id'
const FORGET_STARTED = 'UPDATE broker_held SET started = 0 WHERE started = 1 AND lane IN (SELECT id FROM broker_lane WHERE worker = ?)'
const SET_STARTED = `UPDATE broker_held SET started = 1 WHERE lane = ? AND position = ?
  AND EXISTS (SELECT 1 FROM broker_lane WHERE id = broker_held.lane AND worker = ?)`
const FIRST_DUE = 'SELECT 1 FROM broker_delayed WHERE due <= ? LIMIT 1'
const LIMIT = 'SELECT next FROM broker_limit WHERE name = ? AND boot = ?'
const SET_LIMIT = 'INSERT OR REPLACE INTO broker_limit (name, boot, next) VALUES (?, ?, ?)'
const FORGET_LIMITS = 'DELETE FROM broker_limit WHERE boot <> ? OR next <= ?'
const REVOKE = 'INSERT OR REPLACE INTO broker_revoked (id, until) VALUES (?, ?)'
const COUNT_REVOCATION = "UPDATE broker_counter SET value = value + 1 WHERE name = 'revocation'"
const REVOKED = 'SELECT id FROM broker_revoked WHERE until > ?'

/** Due messages moved in one transaction. */
const DUE_AT_ONCE = 1_000
const SWEEP_MS = 60_000
/** Longer than a keeper that found the lock taken waits until it tries again. */
const PATIENCE_MS = 500

export async function openSqliteBroker(url: string, options: BrokerOptions): Promise<Broker> {
  const { deadlineMs, clock, log } = options
  return new SqliteBroker(await openDatabase(url, { schema: SCHEMA, deadlineMs, clock, log, codes: CODES }), options)
}

class SqliteBroker implements Broker {
  readonly can: BrokerAbilities
  readonly queues: SqliteQueues
  readonly schedules: SqliteSchedules
  readonly journal: SqliteJournal
  readonly #database: Database
  readonly #options: BrokerOptions
  readonly #machine: Machine = thisMachine()
  readonly #leases = new LeaseWatch(this.#machine)
  readonly #broadcasts: Broadcasts
  readonly #known: KnownWorkers
  readonly #outbox: Outbox
  readonly #closing = new AbortController()
  /** Registered over this connection, and not resigned: that they are late with their lease does not make them dead, since we live. */
  readonly #own = new Set<string>()
  #swept = 0

  constructor(database: Database, options: BrokerOptions) {
    this.#database = database
    this.#options = options
    this.#broadcasts = new Broadcasts(database, this.#machine, options.clock, options.log)
    this.#outbox = new Outbox(database, options.clock)
    this.#known = new KnownWorkers(database, this.#machine)
    this.can = { priorities: true, delay: true, shared: true, server: `sqlite:${database.path}` }
    this.queues = new SqliteQueues(database)
    this.schedules = new SqliteSchedules(database, this.#machine, options.clock)
    this.journal = new SqliteJournal(database, options.clock)
  }

  async publish(messages: readonly Outgoing[], deadlineMs?: number): Promise<void> {
    if (messages.length > 0) await this.#outbox.post(messages, deadlineMs)
  }

  async register({ incarnation, node, leaseMs, queues, process = null }: Registration): Promise<Consumer> {
    const end = this.#machine.now() + leaseMs
    await this.#database.write(
      (transaction) => transaction.run(REGISTER, incarnation, node, JSON.stringify(queues), leaseMs, this.#machine.boot, end, process),
      'soon',
    )
    this.#own.add(incarnation)
    return this.attach({ incarnation, node, leaseMs, queues })
  }

  attach({ incarnation, node }: Registration): Consumer {
    return new SqliteConsumer(this.#database, incarnation, node, this.#options.clock, () => void this.#own.delete(incarnation))
  }

  renew(incarnation: string, started: readonly StartedPosition[]): Promise<Renewal> {
    return this.#database.write((transaction): Renewal => {
      const worker = findWorker(transaction, incarnation)
      if (worker === undefined) return { kind: 'lost' }
      transaction.run(RENEW, worker.id, this.#machine.boot, this.#machine.now())
      transaction.run(FORGET_STARTED, worker.id)
      for (const { lane, position } of started) transaction.run(SET_STARTED, laneId(lane), position, worker.id)
      return { kind: 'kept', lanes: transaction.all<{ id: number; seq: number }>(LANES, worker.id).map(({ id, seq }) => laneName(seq, id)) }
    }, 'soon')
  }

  async tend(judge: Judge): Promise<Tended> {
    await this.#sweep()
    return { due: await this.#moveDue(), reaped: await this.#reap(judge) }
  }

  reserve(limit: string, intervalMs: number, count: number): Promise<readonly number[]> {
    return this.#database.write((transaction) => {
      const now = this.#machine.now()
      let at = Math.max(now, transaction.get<{ next: number }>(LIMIT, limit, this.#machine.boot)?.next ?? 0)
      const waits: number[] = []
      for (let slot = 0; slot < count; slot++, at += intervalMs) waits.push(Math.ceil(at - now))
      transaction.run(SET_LIMIT, limit, this.#machine.boot, at)
      return waits
    }, 'soon')
  }

  async revoke(ids: readonly string[], ttl: number): Promise<void> {
    if (ids.length === 0) return
    await this.#database.write((transaction) => {
      const until = Math.ceil(this.#options.clock.now() + ttl * 1000)
      for (const id of ids) transaction.run(REVOKE, id, until)
      transaction.run(COUNT_REVOCATION)
    })
  }

  async revoked(): Promise<ReadonlySet<string>> {
    const rows = await this.#database.read((transaction) => transaction.all<{ id: string }>(REVOKED, this.#options.clock.now()))
    return new Set(rows.map(({ id }) => id))
  }

  broadcast(message: Broadcast): Promise<Heard> {
    return this.#broadcasts.send(message)
  }

  subscribe(exchange: string, pattern: string, hear: (message: Broadcast) => void): Promise<Subscription> {
    return this.#broadcasts.subscribe(exchange, (routingKey) => matches(pattern, routingKey), hear)
  }

  mailbox(exchange: string, routingKey: string, hear: (raw: Buffer) => void): Promise<Subscription> {
    return this.#broadcasts.subscribe(
      exchange,
      (key) => key === routingKey,
      ({ raw }) => hear(raw),
    )
  }

  async deliver({ exchange, routingKey, raw }: Broadcast): Promise<void> {
    await this.#broadcasts.send({ exchange, routingKey, raw })
  }

  note(incarnation: string, state: string): Promise<void> {
    return this.#known.note(incarnation, state)
  }

  workers(): Promise<readonly KnownWorker[]> {
    return this.#known.workers()
  }

  inFlight(incarnation: string, limit: number): Promise<readonly InFlight[]> {
    return this.#known.inFlight(incarnation, limit)
  }

  onReplaced(act: (error: CelerityError) => void): void {
    this.#database.onReplaced(act)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#leases.close()
    await this.#outbox.empty()
    await this.#broadcasts.close()
    this.#database.close()
  }

  async #moveDue(): Promise<number> {
    const now = this.#options.clock.now()
    if ((await this.#database.read((transaction) => transaction.get(FIRST_DUE, now))) === undefined) return 0
    for (let total = 0; ; ) {
      const moved = await this.#database.write((transaction) => moveDue(transaction, now, DUE_AT_ONCE), 'soon')
      total += moved
      if (moved < DUE_AT_ONCE) return total
    }
  }

  async #reap(judge: Judge): Promise<Tended['reaped']> {
    const find = (transaction: Transaction) =>
      findDead(transaction, (worker) => !this.#own.has(worker.incarnation) && this.#leases.hasRunOut(worker))
    const late = await this.#database.read(find)
    if (late.length === 0) return []
    // Somebody may have held the lock for longer than a lease, and nobody could renew: once it is to be had, they get the time to.
    await this.#database.write(() => {}, 'soon')
    const patienceMs = Math.min(PATIENCE_MS, Math.max(...late.map((worker) => worker.lease_ms)) / 2)
    await this.#options.clock.sleep(patienceMs / 1000, this.#closing.signal)
    if (this.#closing.signal.aborted) return []
    // Looked for once more with the lock in hand: by then another may have reaped them, or they have renewed. Had we to wait for it, so had
    // they: then it is for the next round, after as much patience.
    const asked = this.#machine.now()
    const reaped = await this.#database.write((transaction) =>
      this.#machine.now() - asked > patienceMs ? [] : reap(transaction, find(transaction), judge, this.#options.clock.now()),
    )
    for (const fields of reaped) this.#options.log.warning('worker lost, its messages were given back', fields)
    return reaped
  }

  /** Forgets what has run out, once a minute. */
  async #sweep(): Promise<void> {
    const monotonic = this.#options.clock.monotonic()
    if (this.#swept !== 0 && monotonic - this.#swept < SWEEP_MS) return
    this.#swept = monotonic
    await this.#database.write((transaction) => {
      const now = this.#options.clock.now()
      transaction.run('DELETE FROM broker_revoked WHERE until <= ?', now)
      transaction.run('DELETE FROM broker_delivery WHERE until <= ?', now)
      transaction.run(FORGET_LIMITS, this.#machine.boot, this.#machine.now())
      sweepJournal(transaction, now)
      forgetNotes(transaction, this.#machine)
    }, 'soon')
  }
}
