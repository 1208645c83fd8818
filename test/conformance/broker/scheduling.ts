/** Schedules: who leads, entries and their edits, ticks as one step, and what holds an entry open. */
import { expect } from 'chai'
import type { Broker, Outgoing } from '../../../src/broker/broker.js'
import { ENTRY_HEADER } from '../../../src/broker/entry-header.js'
import { HISTORY_KEPT, type Hold, REMOVED_KEPT, type StoredEntry, type Tick, type TickOutcome } from '../../../src/broker/schedules.js'
import { ACK, BACK, DEAD, envelope, eventually, FRONT, giveBack, message, QUEUE, type Stage } from './stage.js'

const LEASE_MS = 60_000
const A = { id: 'run-a', node: 'beat@a' }
const B = { id: 'run-b', node: 'beat@b' }
const DUE = 1_750_000_000_000
const MINUTE = 60_000

export function scheduling(stage: () => Stage): void {
  const schedules = () => stage().broker.schedules

  async function entry(name = 'kuma'): Promise<StoredEntry> {
    const found = (await schedules().entries()).entries.find((each) => each.name === name)
    if (found === undefined) throw new Error(`there is no entry ${name}`)
    return found
  }
  const add = (name = 'kuma', planned?: number, json = '{"every":60}') => schedules().put([{ name, json, source: 'store', planned }])

  async function lead(candidate = A, broker = stage().broker): Promise<number> {
    const leadership = await broker.schedules.lead(candidate, LEASE_MS)
    if (!leadership.leader) throw new Error(`${leadership.node} leads`)
    return leadership.epoch
  }
  /** Leads once the lease of whoever led has run out. */
  const succeed = (candidate = B) =>
    eventually(async () => {
      const leadership = await schedules().lead(candidate, LEASE_MS)
      return leadership.leader && leadership.epoch
    })

  async function tick(epoch: number, options: Partial<Tick> = {}, id = A.id): Promise<TickOutcome | undefined> {
    const [outcome] = await schedules().ticks(id, epoch, [occurrence(options)])
    return outcome
  }

  describe('schedules', () => {
    describe('the lead', () => {
      it('is had by one of two that ask', async () => {
        const other = await stage().connect()
        const answers = await Promise.all([schedules().lead(A, LEASE_MS), other.schedules.lead(B, LEASE_MS)])

        expect(answers.map(({ leader }) => leader).sort()).to.deep.equal([false, true])
        const refused = answers.find(({ leader }) => !leader)
        const leader = await schedules().leader()
        expect(refused).to.include({ node: leader?.node })
      })

      it('is had by nobody at first', async () => {
        expect(await schedules().leader()).to.equal(null)
        expect(await schedules().leaders(10)).to.deep.equal([])
      })

      it('tells when it will be free, and what time it is', async () => {
        const before = Date.now()
        await lead()
        const refused = await schedules().lead(B, LEASE_MS)

        expect(refused).to.include({ leader: false, node: A.node })
        expect(refused.now).to.be.within(before - 1_000, Date.now() + 1_000)
        if (!refused.leader) expect(refused.until - refused.now).to.be.within(1, LEASE_MS)
      })

      it('keeps its epoch while it is renewed', async () => {
        const epoch = await lead()

        expect(await lead()).to.equal(epoch)
        expect(await schedules().leader()).to.include({ ...A, epoch })
        expect(await schedules().leaders(10)).to.have.length(1)
      })

      it('goes to another when the lease has run out, and the epoch grows', async () => {
        const first = await schedules().lead(A, 1)
        const epoch = await succeed()

        expect(epoch).to.be.greaterThan(first.leader ? first.epoch : Number.NaN)
        expect(await schedules().lead(A, LEASE_MS)).to.include({ leader: false, node: B.node })
      })

      it('is a new one for whoever let the lease run out', async () => {
        const first = await schedules().lead(A, 1)
        await eventually(async () => (await schedules().leader()) === null)

        expect(await lead()).to.be.greaterThan(first.leader ? first.epoch : Number.NaN)
        expect(await schedules().leaders(10)).to.have.length(2)
      })

      it('passes on at once when it is given up', async () => {
        const epoch = await lead()
        await schedules().yield(A.id)

        expect(await schedules().leader()).to.equal(null)
        expect(await lead(B)).to.be.greaterThan(epoch)
      })

      it('stays when one who does not have it gives it up', async () => {
        const epoch = await lead()
        await schedules().yield(B.id)

        expect(await schedules().leader()).to.include({ ...A, epoch })
      })

      it('is remembered: who had it from when to when, newest first', async () => {
        const first = await lead()
        await schedules().yield(A.id)
        const second = await lead(B)

        const reigns = await schedules().leaders(10)
        expect(reigns.map(({ id, node, epoch }) => ({ id, node, epoch }))).to.deep.equal([
          { ...B, epoch: second },
          { ...A, epoch: first },
        ])
        const [present, past] = reigns
        expect(past!.from).to.be.at.most(past!.until)
        expect(past!.until).to.be.at.most(present!.from)
        expect(present!.until).to.be.greaterThan(Date.now())
        expect(await schedules().leaders(1)).to.have.length(1)
      })

      it('is remembered for a hundred reigns', async () => {
        for (let i = 0; i < HISTORY_KEPT + 5; i++) {
          await lead()
          await schedules().yield(A.id)
        }

        await lead()

        expect(await schedules().leaders(1_000)).to.have.length(HISTORY_KEPT)
      })
    })

    describe('entries', () => {
      it('are none at first', async () => {
        expect(await schedules().version()).to.equal(0)
        expect(await schedules().entries()).to.deep.equal({ version: 0, complete: true, entries: [], removed: [] })
      })

      it('are kept by name, with what belongs to them', async () => {
        expect(
          await schedules().put([
            { name: 'b c\n*[é]', json: '{"every":5}', source: 'settings' },
            { name: 'a', json: '{"every":60}', source: 'store', planned: DUE },
          ]),
        ).to.deep.equal([true, true])

        const fresh = { enabled: true, over: false, lastDue: null, lastSent: null, runs: 0, by: null, open: [] }
        expect((await schedules().entries()).entries).to.deep.equal([
          { name: 'a', json: '{"every":60}', source: 'store', planned: DUE, ...fresh },
          { name: 'b c\n*[é]', json: '{"every":5}', source: 'settings', planned: null, ...fresh },
        ])
      })

      it('are given back as they are, also what is no definition', async () => {
        const odd = '{"every": 6'
        await add('odd', undefined, odd)
        await add('empty', undefined, '')
        await add('unicode', undefined, '"ünïcödé \\u0000 ☃"')

        expect((await schedules().entries()).entries.map(({ json }) => json)).to.deep.equal(['', odd, '"ünïcödé \\u0000 ☃"'])
      })

      it('have a version that grows with every edit', async () => {
        const versions = [await schedules().version()]
        const edits = [
          () => add(),
          () => add('kuma', undefined, '{"every":61}'),
          () => schedules().put([{ name: 'kuma', json: '{"every":61}', source: 'settings' }]),
          () => schedules().setEnabled('kuma', false),
          () => schedules().setEnabled('kuma', true),
          () => schedules().remove(['kuma']),
        ]
        for (const edit of edits) {
          await edit()
          versions.push(await schedules().version())
        }

        expect(versions).to.deep.equal([...new Set(versions)].sort((a, b) => a - b))
        expect((await schedules().entries()).version).to.equal(versions.at(-1))
      })

      it('have a version that stays when nothing is changed', async () => {
        await add('kuma', DUE)
        const version = await schedules().version()

        expect(await add('kuma', DUE + 1)).to.deep.equal([false])
        expect(await schedules().setEnabled('kuma', true)).to.equal(true)
        expect(await schedules().setEnabled('unknown', false)).to.equal(false)
        expect(await schedules().remove(['unknown'])).to.equal(0)
        const epoch = await lead()
        expect(await tick(epoch)).to.equal('sent')
        expect(await schedules().version()).to.equal(version)
      })

      it('are told apart by when they were edited', async () => {
        await add('a')
        await add('b')
        await add('c')
        const { version } = await schedules().entries()
        await schedules().setEnabled('b', false)
        await schedules().remove(['c'])
        await add('d')

        const edits = await schedules().entries(version)
        expect(edits).to.include({ complete: false, version: await schedules().version() })
        expect(edits.entries.map(({ name }) => name)).to.deep.equal(['b', 'd'])
        expect(edits.removed).to.deep.equal(['c'])
        expect(await schedules().entries(edits.version)).to.deep.equal({
          version: edits.version,
          complete: false,
          entries: [],
          removed: [],
        })
      })

      it('are no longer among the removed when they come again', async () => {
        await add('a')
        const version = await schedules().version()
        await schedules().remove(['a'])
        await add('a')

        const edits = await schedules().entries(version)
        expect(edits.entries.map(({ name }) => name)).to.deep.equal(['a'])
        expect(edits.removed).to.deep.equal([])
      })

      it('are all told when too many were removed to name them', async () => {
        const names = Array.from({ length: REMOVED_KEPT + 1 }, (_, index) => `once-${index}`)
        await schedules().put([...names, 'stays'].map((name) => ({ name, json: '{}', source: 'store' as const })))
        const version = await schedules().version()
        expect(await schedules().remove(names)).to.equal(names.length)

        const edits = await schedules().entries(version)
        expect(edits.complete).to.equal(true)
        expect(edits.entries.map(({ name }) => name)).to.deep.equal(['stays'])
        expect(await schedules().entries(await schedules().version())).to.include({ complete: false })
      })

      it('keep counters, history and switch when the definition changes, and begin their plan anew', async () => {
        const epoch = await lead()
        await add('kuma', DUE)
        await tick(epoch)
        await schedules().setEnabled('kuma', false)
        await add('kuma', undefined, '{"every":5}')

        expect(await entry()).to.include({ json: '{"every":5}', enabled: false, planned: null, lastDue: DUE, runs: 1, by: A.node })
        expect(await schedules().history('kuma', 10)).to.have.length(1)
        await add('kuma', DUE + 7, '{"every":6}')
        expect(await entry()).to.include({ planned: DUE + 7 })
      })

      it('keep their plan when only the source changes', async () => {
        await add('kuma', DUE)

        expect(await schedules().put([{ name: 'kuma', json: '{"every":60}', source: 'settings' }])).to.deep.equal([true])
        expect(await entry()).to.include({ source: 'settings', planned: DUE })
      })

      it('begin their plan anew when they are enabled', async () => {
        await add('kuma', DUE)
        await schedules().setEnabled('kuma', false)
        expect(await entry()).to.include({ enabled: false, planned: DUE })

        await schedules().setEnabled('kuma', true)
        expect(await entry()).to.include({ enabled: true, planned: null })
      })

      it('go with their histories', async () => {
        const epoch = await lead()
        await add('kuma', DUE)
        await tick(epoch)

        expect(await schedules().remove(['kuma', 'unknown'])).to.equal(1)
        expect(await schedules().history('kuma', 10)).to.deep.equal([])
        await add('kuma')
        expect(await entry()).to.include({ runs: 0, lastDue: null })
        expect(await schedules().history('kuma', 10)).to.deep.equal([])
      })

      it('are the same for every connection', async () => {
        const other = await stage().connect()
        await add('kuma', DUE)

        expect(await other.schedules.entries()).to.deep.equal(await schedules().entries())
        expect(await other.schedules.version()).to.equal(await schedules().version())
      })
    })

    describe('a tick', () => {
      it('sends, plans, counts and notes in one step', async () => {
        const epoch = await lead()
        await add('kuma', DUE)
        const before = Date.now()

        expect(await tick(epoch, { publish: [message('one'), message('two', { queue: 'mail', priority: 9 })] })).to.equal('sent')

        expect(await stage().drain()).to.deep.equal(['one'])
        expect(await stage().drain('mail')).to.deep.equal(['two'])
        const { lastSent, ...rest } = await entry()
        expect(rest).to.include({ planned: DUE + MINUTE, over: false, lastDue: DUE, runs: 1, by: A.node })
        expect(lastSent).to.be.within(before - 1_000, Date.now() + 1_000)
        const [noted, ...others] = await schedules().history('kuma', 10)
        expect(others).to.deep.equal([])
        expect(noted).to.deep.include({ due: DUE, outcome: 'sent', ids: ['t1'], node: A.node, epoch, at: lastSent })
      })

      it('may send for later', async () => {
        const epoch = await lead()
        await add('kuma', DUE)

        await tick(epoch, { publish: [message('later', { due: Date.now() + 60_000 }), message('past', { due: 5 })] })

        expect(await stage().drain()).to.deep.equal(['past'])
        expect(await stage().counts()).to.include({ delayed: 1 })
      })

      it('is stale when it is sent again, and nothing is enqueued', async () => {
        const epoch = await lead()
        await add('kuma', DUE)

        expect([await tick(epoch), await tick(epoch)]).to.deep.equal(['sent', 'stale'])
        expect(await stage().drain()).to.deep.equal(['kuma'])
        expect(await entry()).to.include({ runs: 1 })
        expect(await schedules().history('kuma', 10)).to.have.length(1)
      })

      it('is carried out by one of two that lead with the same name', async () => {
        const epoch = await lead()
        await add('kuma', DUE)
        const other = await stage().connect()

        const outcomes = await Promise.all([schedules(), other.schedules].map((each) => each.ticks(A.id, epoch, [occurrence()])))
        expect(outcomes.flat().sort()).to.deep.equal(['sent', 'stale'])
        expect(await stage().drain()).to.deep.equal(['kuma'])
      })

      it('is lost for who never led, who gave up, and who was followed by another', async () => {
        await add('kuma', DUE)
        expect(await tick(1)).to.equal('lost')

        const given = await lead()
        await schedules().yield(A.id)
        expect(await tick(given)).to.equal('lost')

        const first = await schedules().lead(A, 1)
        const second = await succeed(B)
        expect(await tick(first.leader ? first.epoch : 0)).to.equal('lost')
        expect(await tick(second)).to.equal('lost')
        expect(await tick(second - 1, {}, B.id)).to.equal('lost')

        expect(await stage().counts()).to.include({ ready: 0 })
        expect(await entry()).to.include({ planned: DUE, runs: 0 })
        expect(await tick(second, {}, B.id)).to.equal('sent')
      })

      it('is lost under the old epoch of one who leads again', async () => {
        await add('kuma', DUE)
        const first = await lead()
        await schedules().yield(A.id)
        const second = await lead()

        expect([await tick(first), await tick(second)]).to.deep.equal(['lost', 'sent'])
      })

      it('counts as long as nobody else leads, also when the lease has run out', async () => {
        await add('kuma', DUE)
        const leadership = await schedules().lead(A, 1)
        await eventually(async () => (await schedules().leader()) === null)

        expect(await tick(leadership.leader ? leadership.epoch : 0)).to.equal('sent')
      })

      it('is stale when the plan is another one', async () => {
        const epoch = await lead()
        await add('kuma', DUE)

        expect(await tick(epoch, { planned: DUE + 1 })).to.equal('stale')
        expect(await tick(epoch, { planned: null })).to.equal('stale')
        expect(await entry()).to.include({ planned: DUE })
      })

      it('is stale when the entry was disabled, edited or removed', async () => {
        const epoch = await lead()
        await add('kuma', DUE)
        await schedules().setEnabled('kuma', false)
        expect(await tick(epoch)).to.equal('stale')

        await add('edited', DUE)
        await add('edited', undefined, '{}')
        expect(await tick(epoch, { name: 'edited' })).to.equal('stale')

        await schedules().remove(['kuma'])
        expect(await tick(epoch)).to.equal('stale')
        expect(await tick(epoch, { name: 'unknown', planned: null })).to.equal('stale')
        expect(await stage().counts()).to.include({ ready: 0 })
        expect((await schedules().entries()).entries.map(({ name }) => name)).to.deep.equal(['edited'])
      })

      it('only plans when nothing was due', async () => {
        const epoch = await lead()
        await add('kuma')

        expect(await tick(epoch, { planned: null, next: DUE, publish: [], note: undefined })).to.equal('sent')
        expect(await entry()).to.include({ planned: DUE, lastDue: null, lastSent: null, runs: 0, by: null })
        expect(await schedules().history('kuma', 10)).to.deep.equal([])
      })

      it('ends the plan when there is no next time, until the definition changes', async () => {
        const epoch = await lead()
        await add('kuma', DUE)

        expect(await tick(epoch, { next: null })).to.equal('sent')
        expect(await entry()).to.include({ planned: null, over: true })
        expect(await tick(epoch, { planned: null })).to.equal('stale')
        await schedules().setEnabled('kuma', false)
        await schedules().setEnabled('kuma', true)
        expect(await entry()).to.include({ planned: null, over: true })

        await add('kuma', DUE + 5, '{"at":5}')
        expect(await entry()).to.include({ planned: DUE + 5, over: false })
      })

      it('that was skipped counts as no run', async () => {
        const epoch = await lead()
        await add('kuma', DUE)

        expect(await tick(epoch, { publish: [], note: { due: DUE, outcome: 'skipped-misfire', ids: [] } })).to.equal('sent')
        expect(await entry()).to.include({ planned: DUE + MINUTE, lastDue: DUE, lastSent: null, runs: 0, by: null })
        const [noted] = await schedules().history('kuma', 1)
        expect(noted).to.deep.include({ due: DUE, outcome: 'skipped-misfire', ids: [], node: A.node, epoch })
      })

      it('may be one of many, each for itself and in their order', async () => {
        const epoch = await lead()
        await add('a', DUE)
        await add('b', DUE)
        await schedules().setEnabled('b', false)

        const outcomes = await schedules().ticks(A.id, epoch, [
          occurrence({ name: 'a', publish: [message('first')] }),
          occurrence({ name: 'b' }),
          occurrence({ name: 'a', planned: DUE + MINUTE, next: DUE + 2 * MINUTE, publish: [message('second')] }),
          occurrence({ name: 'a' }),
        ])

        expect(outcomes).to.deep.equal(['sent', 'stale', 'sent', 'stale'])
        expect(await stage().drain()).to.deep.equal(['first', 'second'])
        expect(await entry('a')).to.include({ planned: DUE + 2 * MINUTE, runs: 2 })
        expect(await schedules().ticks(A.id, epoch, [])).to.deep.equal([])
      })

      it('may be one of thousands', async () => {
        const names = Array.from({ length: 2_000 }, (_, index) => `entry-${index}`)
        const epoch = await lead()
        await schedules().put(names.map((name) => ({ name, json: '{}', source: 'settings' as const, planned: DUE })))

        const outcomes = await schedules().ticks(
          A.id,
          epoch,
          names.map((name) => occurrence({ name, publish: [message(name)] })),
        )

        expect(new Set(outcomes)).to.deep.equal(new Set(['sent']))
        expect(await stage().counts()).to.include({ ready: names.length })
        expect((await schedules().entries()).entries.every(({ runs }) => runs === 1)).to.equal(true)
      })
    })

    describe('the history', () => {
      it('is newest first, and bounded', async () => {
        const epoch = await lead()
        await add('kuma', DUE)
        const count = HISTORY_KEPT + 5
        const ticks = Array.from({ length: count }, (_, index) =>
          occurrence({
            planned: DUE + index * MINUTE,
            next: DUE + (index + 1) * MINUTE,
            note: { due: DUE + index * MINUTE, outcome: index % 2 === 0 ? 'sent' : 'late', ids: [`t${index}`] },
          }),
        )
        await schedules().ticks(A.id, epoch, ticks)

        const history = await schedules().history('kuma', 1_000)
        expect(history).to.have.length(HISTORY_KEPT)
        expect(history.slice(0, 2).map(({ due, outcome, ids }) => [due, outcome, ids])).to.deep.equal([
          [DUE + (count - 1) * MINUTE, 'sent', [`t${count - 1}`]],
          [DUE + (count - 2) * MINUTE, 'late', [`t${count - 2}`]],
        ])
        expect(await schedules().history('kuma', 2)).to.deep.equal(history.slice(0, 2))
        expect(await schedules().history('kuma', 0)).to.deep.equal([])
        expect(await schedules().history('unknown', 10)).to.deep.equal([])
      })
    })

    describe('a run by hand', () => {
      it('is sent and noted, leader or not, and leaves the plan', async () => {
        await add('kuma', DUE)
        await schedules().setEnabled('kuma', false)

        expect(await schedules().run('kuma', { publish: [message('now')], ids: ['h1'], by: 'user@host' })).to.equal(true)

        expect(await stage().drain()).to.deep.equal(['now'])
        const { lastSent, ...rest } = await entry()
        expect(rest).to.include({ planned: DUE, enabled: false, lastDue: null, runs: 1, by: 'user@host' })
        const [noted] = await schedules().history('kuma', 10)
        expect(noted).to.deep.equal({ due: lastSent, at: lastSent, outcome: 'by-hand', ids: ['h1'], node: 'user@host', epoch: null })
      })

      it('is done once, however often it is sent', async () => {
        await add('kuma', DUE)
        const run = { publish: [message('now')], ids: ['h1'], by: 'user@host' }

        expect([await schedules().run('kuma', run), await schedules().run('kuma', run)]).to.deep.equal([true, true])
        expect(await stage().drain()).to.deep.equal(['now'])
        expect(await entry()).to.include({ runs: 1 })
        await schedules().run('kuma', { ...run, ids: ['h2'] })
        expect(await entry()).to.include({ runs: 2 })
      })

      it('of an entry that is not there sends nothing', async () => {
        expect(await schedules().run('unknown', { publish: [message('now')], ids: ['h1'], by: 'user@host' })).to.equal(false)
        expect(await stage().counts()).to.include({ ready: 0 })
        expect((await schedules().entries()).entries).to.deep.equal([])
      })

      it('holds its entry open beside others', async () => {
        await add('kuma', DUE)
        for (const id of ['h1', 'h2']) {
          await schedules().run('kuma', { publish: [scheduled(id)], ids: [id], by: 'user@host', hold: { id, forMs: null } })
        }

        expect([...(await entry()).open].sort()).to.deep.equal(['h1', 'h2'])
        const worker = await stage().worker()
        const [first, second] = await worker.take()
        await worker.ack(first!)
        expect(await entry()).to.deep.include({ open: ['h2'] })
        await worker.ack(second!)
        expect(await entry()).to.deep.include({ open: [] })
      })
    })

    describe('an entry with a hold', () => {
      const held = (id: string, hold: Partial<Hold> = {}, options: Partial<Tick> = {}): Partial<Tick> => ({
        publish: [scheduled(id)],
        note: { due: options.planned ?? DUE, outcome: 'sent', ids: [id] },
        hold: { id, whenOpen: 'skip', forMs: null, ...hold },
        ...options,
      })
      const isOpen = async (name = 'kuma') => (await entry(name)).open.length > 0

      let epoch: number
      beforeEach(async () => {
        epoch = await lead()
        await add('kuma', DUE)
        expect(await tick(epoch, held('t1'))).to.equal('sent')
      })

      it('is open while its task waits or runs, and closed when it is acked', async () => {
        expect(await entry()).to.deep.include({ open: ['t1'] })
        const worker = await stage().worker()
        const task = await worker.takeOne()
        expect(await isOpen()).to.equal(true)

        await worker.ack(task)
        expect(await isOpen()).to.equal(false)
      })

      it('is skipped while it is open, or waits, as asked', async () => {
        const second = { planned: DUE + MINUTE, next: DUE + 2 * MINUTE }

        expect(await tick(epoch, held('t2', { whenOpen: 'wait' }, second))).to.equal('open')
        expect(await entry()).to.deep.include({ planned: DUE + MINUTE, lastDue: DUE, open: ['t1'] })
        expect(await schedules().history('kuma', 10)).to.have.length(1)

        expect(await tick(epoch, held('t2', {}, second))).to.equal('open')
        expect(await entry()).to.deep.include({ planned: DUE + 2 * MINUTE, lastDue: DUE + MINUTE, runs: 1, open: ['t1'] })
        const [noted] = await schedules().history('kuma', 1)
        expect(noted).to.deep.include({ due: DUE + MINUTE, outcome: 'skipped-overlap', ids: [], node: A.node, epoch })
        expect(await tick(epoch, held('t2', {}, second))).to.equal('stale')
        expect(await stage().counts()).to.include({ ready: 1 })
      })

      it('sends what has waited once it is closed', async () => {
        const second = held('t2', { whenOpen: 'wait' }, { planned: DUE + MINUTE, next: DUE + 2 * MINUTE })
        expect(await tick(epoch, second)).to.equal('open')
        const worker = await stage().worker()
        await worker.ack(await worker.takeOne())

        expect(await tick(epoch, second)).to.equal('sent')
        expect(await entry()).to.deep.include({ open: ['t2'], runs: 2 })
      })

      it('does not ask when the tick has no hold', async () => {
        expect(await tick(epoch, { planned: DUE + MINUTE, next: DUE + 2 * MINUTE })).to.equal('sent')
      })

      it('stays open when its task is given back, parked or retried', async () => {
        const worker = await stage().worker()
        const soon = Date.now()
        await worker.settle({ delivery: await worker.takeOne(), fate: FRONT })
        await worker.settle({ delivery: await worker.takeOne(), fate: BACK })
        await worker.settle({ delivery: await worker.takeOne(), fate: { kind: 'park', due: soon } })
        expect(await isOpen(), 'parked').to.equal(true)
        const retry = { ...scheduled('t1'), due: soon }
        await worker.settle({ delivery: await worker.takeOne(), fate: ACK, publish: [message('callback'), retry] })
        expect(await isOpen(), 'retried').to.equal(true)

        const [first, second] = await worker.take()
        await worker.ack(first!, second!)
        expect(await isOpen(), 'ended').to.equal(false)
      })

      it('closes when another task follows, header or not', async () => {
        const worker = await stage().worker()
        await worker.settle({
          delivery: await worker.takeOne(),
          fate: ACK,
          publish: [message(envelope('t1')), scheduled('t2'), scheduled('t1', 'other')],
        })

        expect(await isOpen()).to.equal(false)
      })

      it('closes when its task becomes a dead letter', async () => {
        const worker = await stage().worker()
        await worker.settle({ delivery: await worker.takeOne(), fate: DEAD })

        expect(await isOpen()).to.equal(false)
      })

      it('stays open when a dead worker held its task and it was given back', async () => {
        const doomed = await stage().doomed()
        await doomed.takeOne()
        await stage().reap(giveBack)
        expect(await isOpen()).to.equal(true)

        const worker = await stage().worker()
        await worker.ack(await worker.takeOne())
        expect(await isOpen()).to.equal(false)
      })

      it('closes when the reaper ends its task', async () => {
        const doomed = await stage().doomed()
        await doomed.takeOne()
        await stage().reap(() => ({ fate: DEAD }))

        expect(await isOpen()).to.equal(false)
      })

      it('closes when its task is purged, and stays open when others are, or it is in flight', async () => {
        await stage().broker.queues.purge('another')
        expect(await isOpen()).to.equal(true)
        await add('mail', DUE)
        await tick(epoch, { name: 'mail', ...held('m1'), publish: [{ ...scheduled('m1', 'mail'), queue: 'mail' }] })
        const worker = await stage().worker({ queues: ['mail'] })
        await worker.takeOne()

        await stage().broker.queues.purge(QUEUE)
        await stage().broker.queues.purge('mail')
        expect(await isOpen()).to.equal(false)
        expect(await isOpen('mail')).to.equal(true)
      })

      it('closes when its retry is purged', async () => {
        const worker = await stage().worker()
        const retry: Outgoing = { ...scheduled('t1'), queue: 'retries', due: Date.now() + 60_000 }
        await worker.settle({ delivery: await worker.takeOne(), fate: ACK, publish: [retry] })
        await stage().broker.queues.purge(QUEUE)
        expect(await isOpen()).to.equal(true)

        await stage().broker.queues.purge('retries')
        expect(await isOpen()).to.equal(false)
      })

      it('closes after its time in any case', async () => {
        await add('brief', DUE)
        await tick(epoch, { name: 'brief', ...held('b1', { forMs: 1 }), publish: [scheduled('b1', 'brief')] })

        await eventually(async () => !(await isOpen('brief')))
        const again = held('b2', {}, { planned: DUE + MINUTE, next: null, publish: [scheduled('b2', 'brief')] })
        expect(await tick(epoch, { name: 'brief', ...again })).to.equal('sent')
        expect(await entry('brief')).to.deep.include({ open: ['b2'] })
      })

      it('is closed by hand', async () => {
        await schedules().release('kuma')
        await schedules().release('unknown')

        expect(await isOpen()).to.equal(false)
        expect((await schedules().entries()).entries).to.have.length(1)
      })

      it('stays open over edits, and its end brings no removed entry back', async () => {
        await add('kuma', DUE, '{"every":7}')
        expect(await isOpen()).to.equal(true)
        await schedules().remove(['kuma'])
        const worker = await stage().worker()
        const task = await worker.takeOne()
        await worker.settle({ delivery: task, fate: ACK, publish: [scheduled('t1')] })
        await worker.ack(await worker.takeOne())

        expect((await schedules().entries()).entries).to.deep.equal([])
      })
    })

    it('survive the connection that made them', async () => {
      const other: Broker = await stage().connect()
      await other.schedules.put([{ name: 'kuma', json: '{}', source: 'store', planned: DUE }])
      const epoch = await lead(A, other)
      await other.close()

      expect(await schedules().leader()).to.include({ ...A, epoch })
      expect(await tick(epoch)).to.equal('sent')
    })
  })
}

function occurrence(options: Partial<Tick> = {}): Tick {
  const { name = 'kuma', planned = DUE } = options
  return { name, planned, next: DUE + MINUTE, publish: [message(name)], note: { due: DUE, outcome: 'sent', ids: ['t1'] }, ...options }
}

/** A message of a task that the entry sends. */
function scheduled(id: string, entry = 'kuma'): Outgoing {
  const { headers, ...rest } = JSON.parse(envelope(id)) as { headers: object }
  return message(JSON.stringify({ ...rest, headers: { ...headers, [ENTRY_HEADER]: entry } }))
}
