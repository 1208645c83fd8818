import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { loadBinding } from '../../src/sqlite/binding.js'

const LEASE_MS = 60_000
const A = { id: 'run-a', node: 'beat@a' }
const B = { id: 'run-b', node: 'beat@b' }

describe('schedules in SQLite', () => {
  let folder: string
  let broker: Broker

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'celerity-schedules-'))
    broker = await openBroker(`sqlite:${join(folder, 'tasks.db')}`)
    await broker.schedules.put([{ name: 'a', json: '{}', source: 'store', planned: 1 }])
  })
  afterEach(async () => {
    await broker.close()
    await rm(folder, { recursive: true })
  })

  async function damage(sql: string): Promise<void> {
    const database = (await loadBinding())(join(folder, 'tasks.db'), { timeout: 1_000 })
    database.exec(sql)
    database.close()
  }

  it('read what is damaged as missing, and plan anew', async () => {
    await damage("UPDATE broker_entry SET planned = 'soon', runs = 'many', json = x'00ff', last_due = x'01'")

    expect((await broker.schedules.entries()).entries[0]).to.include({ json: '', planned: null, runs: 0, lastDue: null })
    const leadership = await broker.schedules.lead(A, LEASE_MS)
    const epoch = leadership.leader ? leadership.epoch : 0
    const note = { due: 1, outcome: 'sent' as const, ids: ['t'] }
    expect(await broker.schedules.ticks(A.id, epoch, [{ name: 'a', planned: null, next: 5, publish: [], note }])).to.deep.equal(['sent'])
    expect((await broker.schedules.entries()).entries[0]).to.include({ planned: 5, runs: 1 })
  })

  it('show a history with damaged ids', async () => {
    await broker.schedules.run('a', { publish: [], ids: ['x'], by: 'me' })
    await damage("UPDATE broker_occurrence SET tasks = 'what is this'")

    expect(await broker.schedules.history('a', 5)).to.have.length(1)
    expect((await broker.schedules.history('a', 5))[0]).to.deep.include({ ids: [] })
  })

  it('take the lead from one of before the machine was started anew', async () => {
    await broker.schedules.lead(A, LEASE_MS)
    await damage("UPDATE broker_reign SET boot = 'another'")

    expect(await broker.schedules.leader()).to.equal(null)
    expect(await broker.schedules.lead(B, LEASE_MS)).to.include({ leader: true, epoch: 2 })
  })

  it('take the lead from one whose lease ends later than it can', async () => {
    await broker.schedules.lead(A, LEASE_MS)
    await damage('UPDATE broker_reign SET lease_end = lease_end + 3600000')

    expect(await broker.schedules.lead(B, LEASE_MS)).to.include({ leader: true, epoch: 2 })
  })
})
