import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { systemClock } from '../../src/clock.js'
import { loadBinding } from '../../src/sqlite/binding.js'

const MINUTE = 60_000

describe('what is told in SQLite', () => {
  let folder: string
  let url: string
  let broker: Broker
  let file: ReturnType<Awaited<ReturnType<typeof loadBinding>>>

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'celerity-telling-'))
    const path = join(folder, 'tasks.db')
    url = `sqlite:${path}`
    broker = await openBroker(url)
    file = (await loadBinding())(path, { timeout: 1_000 })
  })
  afterEach(async () => {
    file.close()
    await broker.close()
    await rm(folder, { recursive: true })
  })

  const all = (sql: string, ...values: (string | number)[]) => file.prepare(sql).all(...values) as Record<string, unknown>[]
  const version = () => all('PRAGMA data_version')[0]?.['data_version']
  const rows = (table: string) => Number(all(`SELECT count(*) AS count FROM ${table}`)[0]?.['count'])
  const tell = () => broker.broadcast({ exchange: 'celeryev', routingKey: 'task.multi', raw: 'x', events: 1 })

  it('writes nothing while nobody listens and no reader is registered', async () => {
    const before = version()

    await tell()
    await broker.broadcast({ exchange: 'celery.pidbox', routingKey: '', raw: 'x' })
    await broker.deliver({ exchange: 'reply.celery.pidbox', routingKey: 'nobody', raw: 'x' })

    expect(version()).to.equal(before)
    await broker.journal.register('camera', 60)
    expect(version()).not.to.equal(before)
  })

  it('goes to the journal alone while only a reader is registered', async () => {
    await broker.journal.register('camera', 60)
    await tell()

    expect(rows('broker_journal_batch')).to.equal(1)
    expect(rows('broker_broadcast')).to.equal(0)
  })

  it('leaves no listener behind when subscriptions and mailboxes are closed', async () => {
    const events = await broker.subscribe('celeryev', '*', () => {})
    const mailbox = await broker.mailbox('reply.celery.pidbox', 'oid', () => {})
    expect(rows('broker_subscriber')).to.equal(2)

    await mailbox.close()
    expect(rows('broker_subscriber')).to.equal(1)
    await events.close()
    expect(rows('broker_subscriber')).to.equal(0)
  })

  it('leaves nothing of the journal when the last reader leaves', async () => {
    await broker.journal.register('camera', 60)
    await tell()
    await broker.journal.leave('camera')

    for (const table of ['broker_journal', 'broker_journal_batch', 'broker_journal_reader']) expect(rows(table), table).to.equal(0)
  })

  it('forgets, while a worker tends, a journal whose readers have run out', async () => {
    await broker.journal.register('camera', 60)
    await tell()
    const later = await openBroker(url, { clock: { ...systemClock, now: () => Date.now() + 61_000 } })
    await later.tend(() => ({ fate: { kind: 'ack' } }))

    for (const table of ['broker_journal', 'broker_journal_batch', 'broker_journal_reader']) expect(rows(table), table).to.equal(0)
    await later.close()
  })

  it('is the last word of a worker for ten minutes, and not beyond the boot in which it was said', async () => {
    const worker = await broker.register({ incarnation: 'a', node: 'n', leaseMs: 60_000, queues: ['kuma'] })
    await broker.note('a', '{}')
    const known = async () => (await broker.workers())[0]
    const age = (ms: number) => file.prepare('UPDATE broker_note SET at = at - ?').run(ms)

    age(9 * MINUTE)
    expect(await known()).to.include({ state: '{}', isAlive: true })
    expect((await known())?.stateAge).to.be.within(9 * MINUTE, 9 * MINUTE + 5_000)
    age(2 * MINUTE)
    expect(await known()).to.include({ state: null, stateAge: null, isAlive: true })

    await broker.note('a', '{"again": 1}')
    file.prepare("UPDATE broker_note SET boot = 'another'").run()
    file.prepare("UPDATE broker_worker SET boot = 'another'").run()
    expect(await known()).to.include({ state: null, stateAge: null, isAlive: false })
    await broker.tend(() => ({ fate: { kind: 'ack' } }))
    expect(rows('broker_note')).to.equal(0)
    await worker.resign()
  })
})
