import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { Broker, Fate } from '../../src/broker/broker.js'
import { ENTRY_HEADER } from '../../src/broker/entry-header.js'
import { openBroker } from '../../src/broker/open.js'
import { openResults } from '../../src/results/open.js'
import { loadBinding } from '../../src/sqlite/binding.js'
import type { Statements, Value } from '../../src/sqlite/statements.js'

/** Tables with a row per table, process, queue, reader of the journal, batch in flight, open schedule entry or living revocation may be read whole. */
const SMALL =
  /^SCAN (file.sqlite_schema|sqlite_sequence|broker_worker|broker_limit|broker_lane|l|broker_revoked|broker_delivery|broker_subscriber|broker_hold|broker_schedule_clock|broker_reign|broker_journal_reader|broker_note|broker_entry_removed USING .*|q|q USING .*|json_each.*)$/

describe('the statements of the SQLite adapters', () => {
  it('find what they need by an index, so that a backlog costs nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'celerity-plans-'))
    const url = `sqlite:${join(folder, 'tasks.db')}`
    const statements = await statementsOf(() => useEverything(url))
    const database = (await loadBinding())(':memory:', { timeout: 100 })
    database.prepare('ATTACH ? AS file').run(join(folder, 'tasks.db'))

    expect(statements.length).to.be.greaterThan(50)
    const slow = statements
      .filter((sql) => !/^(BEGIN|COMMIT|PRAGMA)|^SELECT 1 FROM \w+ LIMIT 1$| UNION /.test(sql))
      .flatMap((sql) =>
        (database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]).map(({ detail }) => ({ sql, detail })),
      )
      .filter(({ detail }) => /^SCAN (?!CONSTANT ROW)|TEMP B-TREE/.test(detail) && !SMALL.test(detail))
    expect(slow).to.deep.equal([])
    database.close()
    await rm(folder, { recursive: true })
  })
})

async function statementsOf(play: () => Promise<void>): Promise<string[]> {
  // As the adapters are loaded: else this would be another copy of the module than theirs.
  const { Statements } = await import('../../src/sqlite/statements.js')
  const seen = new Set<string>()
  const { run, get, all } = Statements.prototype
  const noted = <R>(method: (sql: string, ...values: readonly Value[]) => R) =>
    function (this: Statements, sql: string, ...values: readonly Value[]): R {
      seen.add(sql)
      return method.call(this, sql, ...values)
    }
  Object.assign(Statements.prototype, { run: noted(run), get: noted(get), all: noted(all) })
  try {
    await play()
  } finally {
    Object.assign(Statements.prototype, { run, get, all })
  }
  return [...seen]
}

/** Each step of both ports once. */
async function useEverything(url: string): Promise<void> {
  const [broker, other] = [await openBroker(url), await openBroker(url)]
  const results = await openResults(url)
  await broker.subscribe('celeryev', '*', () => {})
  await broker.broadcast({ exchange: 'celeryev', routingKey: 'x', raw: 'x' })
  for (const fate of [{ kind: 'ack' }, { kind: 'requeue', to: 'back', raw: Buffer.from('y') }, { kind: 'park', due: 5 }] satisfies Fate[]) {
    await play(broker, other, fate)
  }
  await play(broker, other, { kind: 'dead', reason: 'rejected', detail: 'y' })
  await results.watch(['a'], () => {})
  await results.set([{ id: 'a', state: 'SUCCESS', json: '{}', ttl: 1 }])
  await results.get(['a'])
  await results.sweep()
  await results.forget(['a'])
  await broker.reserve('limit', 1_000, 1)
  await broker.revoke(['a'], 1)
  await broker.revoked()
  await broker.queues.names()
  await broker.queues.counts(['kuma'])
  await broker.queues.peek('kuma', 1)
  await broker.queues.peek('kuma', 1, 0)
  const letters = await broker.queues.dead('kuma', 0, 10)
  await broker.queues.retryDead('kuma', [letters[0]?.id ?? ''])
  await broker.queues.dropDead('kuma', [letters[0]?.id ?? ''])
  await broker.publish([{ queue: 'kuma', priority: 0, raw: 'later', due: Date.now() + 60_000 }])
  await broker.queues.purge('kuma')
  await useSchedules(broker)
  await useEyes(broker)
  await Promise.all([broker.close(), other.close()])
  await results.close()
}

async function useEyes(broker: Broker): Promise<void> {
  const subscription = await broker.subscribe('celeryev', '*', () => {})
  await broker.journal.register('camera', 60)
  await broker.broadcast({ exchange: 'celeryev', routingKey: 'task.multi', raw: 'x', events: 1 })
  await broker.journal.read(0, 5)
  await broker.journal.readers()
  await broker.journal.leave('camera')
  await subscription.close()
  const mailbox = await broker.mailbox('reply.celery.pidbox', 'a', () => {})
  await broker.deliver({ exchange: 'reply.celery.pidbox', routingKey: 'a', raw: 'x' })
  await mailbox.close()
  const worker = await broker.register({ incarnation: randomUUID(), node: 'n', leaseMs: 60_000, queues: ['kuma'] })
  await worker.consume(['mail'])
  await broker.note(worker.incarnation, '{}')
  await broker.workers()
  await broker.inFlight(worker.incarnation, 5)
  await worker.resign()
}

async function useSchedules(broker: Broker): Promise<void> {
  const { schedules } = broker
  await schedules.put([{ name: 'kuma', json: '{}', source: 'store' }])
  await schedules.put([{ name: 'kuma', json: '{}', source: 'settings' }])
  await schedules.put([{ name: 'kuma', json: '[]', source: 'settings', planned: 1 }])
  const leadership = await schedules.lead({ id: 'a', node: 'n' }, 60_000)
  await schedules.lead({ id: 'a', node: 'n' }, 60_000)
  const epoch = leadership.leader ? leadership.epoch : 0
  const headers = { id: 't', [ENTRY_HEADER]: 'kuma' }
  const publish = [{ queue: 'kuma', priority: 0, raw: JSON.stringify({ headers }) }]
  const note = { due: 1, outcome: 'sent', ids: ['t'] } as const
  await schedules.ticks('a', epoch, [
    { name: 'kuma', planned: 1, next: 2, publish, note, hold: { id: 't', whenOpen: 'skip', forMs: null } },
  ])
  await schedules.run('kuma', { publish, ids: ['u'], by: 'n' })
  const worker = await broker.register({ incarnation: randomUUID(), node: 'n', leaseMs: 60_000, queues: ['kuma'] })
  const taken = await worker.take(1, ['kuma'], 5)
  if (taken === 'lost') throw new Error('the incarnation was fenced')
  await worker.settle(taken.deliveries.map((delivery) => ({ delivery, fate: { kind: 'ack' }, publish })))
  await schedules.history('kuma', 5)
  await schedules.entries()
  await schedules.entries(1)
  await schedules.version()
  await schedules.leader()
  await schedules.leaders(5)
  await schedules.release('kuma')
  await schedules.setEnabled('kuma', false)
  await schedules.setEnabled('kuma', true)
  await schedules.remove(['kuma'])
  await schedules.yield('a')
  await schedules.lead({ id: 'b', node: 'n' }, 1)
  await sleep(2)
  await schedules.lead({ id: 'a', node: 'n' }, 1)
}

/** @param other another process's connection, which finds this one's worker dead */
async function play(broker: Broker, other: Broker, fate: Fate): Promise<void> {
  const worker = await broker.register({ incarnation: randomUUID(), node: 'n', leaseMs: 1, queues: ['kuma'] })
  await broker.publish([
    { queue: 'kuma', priority: 0, raw: 'x' },
    { queue: 'kuma', priority: 0, raw: 'z' },
  ])
  await worker.wait(['kuma'], 0.01, new AbortController().signal)
  const taken = await worker.take(1, ['kuma'], 5)
  if (taken === 'lost') throw new Error('the incarnation was fenced')
  await worker.take(1, ['kuma'], 5)
  const [first] = taken.deliveries
  if (first !== undefined) {
    await worker.start([first])
    await broker.renew(worker.incarnation, [{ lane: first.lane.name, position: first.position }])
    await worker.settle([{ delivery: first, fate }])
  }
  await worker.closeTake(2)
  await other.tend(() => ({ fate }))
  await worker.resign()
  const polite = await broker.register({ incarnation: randomUUID(), node: 'n', leaseMs: 60_000, queues: ['kuma'] })
  await polite.take(1, ['kuma'], 5)
  await polite.closeTake(1)
  await polite.resign()
}
