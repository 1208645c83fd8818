/** What every snapshot store does: one suite, run against each adapter. */
import { expect } from 'chai'
import fc from 'fast-check'
import type { Context } from 'mocha'
import { mergeTask, type TaskEvent, type TaskRecord } from '../../src/events/cluster.js'
import { storable } from '../../src/monitor/storable.js'
import type { Snapshot, SnapshotStore } from '../../src/monitor/store.js'
import type { GapRow, TaskRow, TryRow, WorkerRow } from '../../src/monitor/tables.js'
import { taskRecord } from '../../src/monitor/task-row.js'
import { failure, success, task } from '../monitor/some-events.js'
import { describeHistory } from './monitor-history.js'

export interface Place {
  /** Opens the same database again, as another camera does. */
  open(): Promise<SnapshotStore>
  /** Writes past the store. */
  run(sql: string): Promise<void>
  remove(): Promise<void>
}

const NOW = 1_700_000_100

export function describeSnapshots(name: string, place: (context: Context) => Promise<Place>): void {
  describe(`snapshots in ${name}`, () => {
    let at: Place
    let store: SnapshotStore

    before(async function () {
      this.timeout(30_000)
      at = await place(this)
      store = await at.open()
    })
    beforeEach(async () => {
      for (const table of ['task', 'try', 'worker', 'cursor', 'gap']) await at.run(`DELETE FROM monitor_${table}`)
    })
    after(async () => {
      await store?.close()
      await at?.remove()
    })

    const commit = (given: Partial<Snapshot>) => store.commit(aSnapshot(given))

    it('makes a row of the events of a task', async () => {
      const committed = await commit({ events: success('a') })

      const [row] = await tasks(store)
      expect(committed).to.include({ tasks: 1, succeeded: 1, failed: 0, revoked: 0 })
      expect(row).to.include({ id: 'a', name: 'mail.send', state: 'SUCCESS', worker: 'celery@one', result: "'ok'", runtime: 0.25 })
      expect(row).to.include({
        args: '(1,)',
        kwargs: '{}',
        retries: 0,
        tries: 0,
        error: null,
        root_id: 'a',
        parent_id: null,
        stored_at: NOW,
      })
    })

    it('fills in the name when task-received comes later', async () => {
      const [received, started, succeeded] = success('a') as [TaskEvent, TaskEvent, TaskEvent]

      await commit({ events: [started, succeeded] })
      const nameless = (await tasks(store))[0]
      await commit({ events: [received] })

      expect(nameless).to.include({ name: null, state: 'SUCCESS' })
      expect((await tasks(store))[0]).to.include({ name: 'mail.send', state: 'SUCCESS', args: '(1,)' })
    })

    it('writes nothing when the same comes again', async () => {
      const events = failure('a', "ValueError('no')")

      await commit({ events })
      const rows = await tasks(store)
      const again = await commit({ events, now: NOW + 10 })

      expect(again).to.include({ tasks: 0, failed: 0 })
      expect(await tasks(store)).to.deep.equal(rows)
    })

    it('tells how many tasks became final, each once', async () => {
      const [received, ...rest] = failure('b', 'KeyError: 1') as [TaskEvent, ...TaskEvent[]]

      const first = await commit({ events: [...success('a'), received, task('c', 'revoked', { terminated: false })] })
      const second = await commit({ events: [...success('a'), ...rest] })

      expect(first).to.include({ tasks: 3, succeeded: 1, failed: 0, revoked: 1 })
      expect(second).to.include({ succeeded: 0, failed: 1, revoked: 0 })
    })

    it('keeps every try with its error, and finds the class of the error', async () => {
      const retried = (number: number) => task('a', 'retried', { exception: `Timeout(${number})`, traceback: 'one\ntwo', runtime: 0.5 })

      await commit({ events: [task('a', 'received', { name: 'x', retries: 0 }), retried(1)] })
      await commit({ events: [task('a', 'received', { name: 'x', retries: 1 }), retried(2)] })
      await commit({ events: [task('a', 'failed', { exception: "MailError('no')", traceback: 'Traceback', runtime: 0.5 })] })

      const tries = await store.query<TryRow>((tables) => tables.selectFrom('monitor_try').selectAll().orderBy('number'))
      expect(tries.map(({ number, outcome, exception, runtime }) => [number, outcome, exception, runtime])).to.deep.equal([
        [1, 'retried', 'Timeout(1)', 0.5],
        [2, 'retried', 'Timeout(2)', 0.5],
        [3, 'failed', "MailError('no')", 0.5],
      ])
      expect((await tasks(store))[0]).to.include({ state: 'FAILURE', error: 'MailError', retries: 1, tries: 3 })
    })

    it('stores texts that a database refuses in a form that it takes', async () => {
      const events = [
        task('a', 'received', { name: 'x', args: 'nul \0 and half \ud800 of 😀' }),
        task('a', 'started', { node: 'celery@\0' }),
      ]

      await commit({ events: events.map(storable) })
      const again = await commit({ events: events.map(storable) })

      expect((await tasks(store))[0]).to.include({ args: 'nul \ufffd and half \ufffd of 😀', worker: 'celery@\ufffd' })
      expect(again.tasks).to.equal(0)
    })

    it('stores numbers exactly', async () => {
      await commit({ events: [task('a', 'succeeded', { at: 1_700_000_000.1234567, clock: 2 ** 52, runtime: 0.1 + 0.2 })] })

      expect((await tasks(store))[0]).to.include({ ended_at: 1_700_000_000.1234567, clock: 2 ** 52, runtime: 0.1 + 0.2 })
    })

    it('takes over all of a snapshot or nothing', async () => {
      const broken = { ...aWorker(), node: null } as unknown as WorkerRow

      const failed = await commit({ events: success('a'), workers: [broken] }).then(
        () => false,
        () => true,
      )

      expect(failed).to.equal(true)
      expect(await tasks(store)).to.deep.equal([])
      await commit({ events: success('a') }) // and goes on
      expect(await tasks(store)).to.have.length(1)
    })

    describe('workers', () => {
      const workers = () => store.query<WorkerRow>((tables) => tables.selectFrom('monitor_worker').selectAll())

      it('are as their latest heartbeat says', async () => {
        await commit({ workers: [aWorker({ heartbeat_at: 20, active: 2 })] })
        await commit({ workers: [aWorker({ heartbeat_at: 10, active: 1 })] })

        expect(await workers()).to.deep.equal([aWorker({ heartbeat_at: 20, active: 2 })])
      })

      it('go offline at the same heartbeat, by what was found out last', async () => {
        await commit({ workers: [aWorker({ heartbeat_at: 20, stored_at: 21 })] })
        await commit({ workers: [aWorker({ heartbeat_at: 20, stored_at: 30, state: 'offline' })] })
        await commit({ workers: [aWorker({ heartbeat_at: 20, stored_at: 25 })] })

        expect((await workers())[0]).to.include({ state: 'offline' })
      })
    })

    describe('the cursor', () => {
      const step = (from: number, to: number, lost: GapRow | null = null, journal = 'j') => ({ journal, server: 's', from, to, lost })
      const gaps = () => store.query<GapRow>((tables) => tables.selectFrom('monitor_gap').selectAll())

      it('moves with the rows, and never back', async () => {
        const first = await commit({ events: success('a'), cursor: step(0, 30) })
        const other = await commit({ cursor: step(0, 20) })

        expect([first.position, other.position]).to.deep.equal([30, 30])
        const rows = await store.query((tables) => tables.selectFrom('monitor_cursor').select(['journal', 'position']))
        expect(rows).to.deep.equal([{ journal: 'j', position: 30 }])
      })

      it('gives way to the cursor of a journal that took the place of its own', async () => {
        await commit({ cursor: step(0, 30) })
        await commit({ cursor: step(0, 5, null, 'k') })

        const rows = await store.query((tables) => tables.selectFrom('monitor_cursor').select('journal'))
        expect(rows).to.deep.equal([{ journal: 'k' }])
      })

      it('counts what the journal had let go of once, whoever says it', async () => {
        const lost: GapRow = { id: 'j/30', at: NOW, cause: 'trimmed', events: 12, detail: 'away too long' }

        await commit({ cursor: step(0, 30) })
        await commit({ cursor: step(30, 50, lost) })
        await commit({ cursor: step(30, 60, { ...lost, events: 20 }) })

        expect(await gaps()).to.deep.equal([lost])
      })
    })

    describe('expiry', () => {
      it('removes what was stored before a moment, in small steps, with its tries', async () => {
        await commit({ now: 100, events: [...success('a'), ...failure('b', 'X()'), ...failure('c', 'X()')] })
        await commit({ now: 200, events: failure('d', 'X()') })

        const removed = [
          await store.expire({ only: ['FAILURE'] }, 150, 1),
          await store.expire({ only: ['FAILURE'] }, 150, 5),
          await store.expire({ only: ['FAILURE'] }, 150, 5),
        ]

        expect(removed).to.deep.equal([1, 1, 0])
        expect((await tasks(store)).map(({ id }) => id)).to.deep.equal(['a', 'd'])
        const tries = await store.query<TryRow>((tables) => tables.selectFrom('monitor_try').select('task_id'))
        expect(tries).to.deep.equal([{ task_id: 'd' }])
      })
    })

    describe('expiry of what is not final', () => {
      it('leaves the states that are named, and all that is final', async () => {
        const events = [...success('a'), ...failure('b', 'X()'), task('c', 'started'), task('d', 'retried'), task('e', 'progress')]
        await commit({ now: 100, events })

        await store.expire({ except: ['SUCCESS', 'RETRY'] }, 150, 10)

        expect((await tasks(store)).map(({ id }) => id)).to.deep.equal(['a', 'b', 'd'])
      })

      it('forgets workers and gaps', async () => {
        const gap = (id: string, at: number): GapRow => ({ id, at, cause: 'overflow', events: 1, detail: '' })
        const workers = [aWorker({ heartbeat_at: 100 }), aWorker({ node: 'new', heartbeat_at: 200 })]
        await commit({ workers, gaps: [gap('old', 100), gap('new', 200)] })

        await store.forget(150)

        expect(await store.query((tables) => tables.selectFrom('monitor_worker').select('node'))).to.deep.equal([{ node: 'new' }])
        expect(await store.query((tables) => tables.selectFrom('monitor_gap').select('id'))).to.deep.equal([{ id: 'new' }])
      })
    })

    describe('views', () => {
      it('tell failures by task and error', async () => {
        await commit({ events: [...failure('a', "ValueError('1')"), ...failure('b', "ValueError('2')"), ...failure('c', "KeyError('1')")] })

        const rows = await views('monitor_failures')
        expect(rows.map(({ name, error, failures }) => [name, error, failures])).to.have.deep.members([
          ['mail.send', 'ValueError', 2],
          ['mail.send', 'KeyError', 1],
        ])
      })

      it('tell how long tasks run and wait', async () => {
        await commit({
          events: [
            task('a', 'received', { at: 10, name: 'x' }),
            task('a', 'started', { at: 12 }),
            task('a', 'succeeded', { at: 15, runtime: 3 }),
          ],
        })
        await commit({
          events: [
            task('b', 'received', { at: 4, name: 'x', eta: new Date(10_000).toISOString() }),
            task('b', 'started', { at: 14 }),
            task('b', 'succeeded', { at: 15, runtime: 1 }),
          ],
        })

        expect(await views('monitor_slowest')).to.deep.equal([
          { name: 'x', runs: 2, mean_runtime: 2, longest_runtime: 3, total_runtime: 4, mean_wait: 3 },
        ])
      })

      it('tell what became of tasks per minute', async () => {
        const ended = (id: string, what: string, at: number) => [task(id, 'received', { name: 'x' }), task(id, what, { at, runtime: 1 })]
        await commit({ events: [...ended('a', 'succeeded', 119.9), ...ended('b', 'failed', 60), ...ended('c', 'succeeded', 120)] })

        const rows = (await views('monitor_per_minute')).sort((one, other) => Number(one['minute']) - Number(other['minute']))
        expect(rows.map(({ minute, name, succeeded, failed, revoked }) => [minute, name, succeeded, failed, revoked])).to.deep.equal([
          [60, 'x', 1, 1, 0],
          [120, 'x', 1, 0, 0],
        ])
      })

      const views = async (view: 'monitor_failures' | 'monitor_slowest' | 'monitor_per_minute') => [
        ...(await store.query<Record<string, unknown>>((tables) => tables.selectFrom(view).selectAll())),
      ]
    })

    it('comes to the same rows whatever the order, however often, from however many cameras', async function () {
      this.timeout(60_000)
      const other = await at.open()
      try {
        await fc.assert(
          fc.asyncProperty(interleaving(), async (batches) => {
            await at.run('DELETE FROM monitor_task')
            await at.run('DELETE FROM monitor_try')

            const cameras = [store, other]
            await Promise.all(
              cameras.map(async (camera, index) => {
                for (const { events, by } of batches) if (by === index || by === 2) await camera.commit(aSnapshot({ events }))
              }),
            )

            expect(await records(store)).to.deep.equal(reduced(batches.flatMap(({ events }) => events)))
          }),
          { numRuns: 40 },
        )
      } finally {
        await other.close()
      }
    })

    describeHistory(() => ({ store, commit }))

    it('refuses a database that a newer version has written', async () => {
      await at.run("UPDATE celerity_schema SET version = 99 WHERE room = 'monitor'")
      try {
        const error = await at.open().then(
          (opened) => opened.close(),
          (reason: unknown) => reason,
        )

        expect(error).to.include({ code: 'E_MONITOR_REFUSED' })
        expect((error as Error).message).to.include('newer version')
      } finally {
        await at.run("UPDATE celerity_schema SET version = 1 WHERE room = 'monitor'")
      }
    })
  })
}

function aSnapshot(given: Partial<Snapshot>): Snapshot {
  return { now: NOW, events: [], workers: [], cursor: null, gaps: [], checked: [], ...given }
}

function aWorker(given: Partial<WorkerRow> = {}): WorkerRow {
  return {
    node: 'celery@one',
    state: 'online',
    heartbeat_at: 10,
    freq: 2,
    pid: 7,
    software: 'celerity 1.0',
    active: 1,
    processed: 100,
    load_1: 0.5,
    load_5: 0.25,
    load_15: 0.125,
    clock: 9,
    missed: 0,
    basis: null,
    stored_at: 11,
    ...given,
  }
}

function tasks(store: SnapshotStore): Promise<readonly TaskRow[]> {
  return store.query<TaskRow>((tables) => tables.selectFrom('monitor_task').selectAll().orderBy('id'))
}

async function records(store: SnapshotStore): Promise<readonly TaskRecord[]> {
  const tries = await store.query<TryRow>((tables) => tables.selectFrom('monitor_try').selectAll().orderBy('task_id').orderBy('number'))
  return (await tasks(store)).map((row) =>
    taskRecord(
      row,
      tries.filter(({ task_id }) => task_id === row.id),
    ),
  )
}

function reduced(events: readonly TaskEvent[]): readonly TaskRecord[] {
  const known = new Map<string, TaskRecord>()
  for (const event of events) known.set(event.uuid, mergeTask(known.get(event.uuid), event))
  return [...known.values()].sort((one, other) => (one.id < other.id ? -1 : 1))
}

interface Batch {
  readonly events: readonly TaskEvent[]
  /** Which camera, or 2: both. */
  readonly by: 0 | 1 | 2
}

/** Events of a few tasks, with few moments and clocks so that they meet; in any order, some of them several times, in several commits. */
function interleaving(): fc.Arbitrary<readonly Batch[]> {
  const text = fc.constantFrom(null, 'one', 'two')
  const event = fc
    .record({
      id: fc.constantFrom('a', 'b', 'c'),
      what: fc.constantFrom('sent', 'received', 'started', 'succeeded', 'failed', 'retried', 'revoked', 'rejected', 'progress'),
      at: fc.constantFrom(1, 2.5, 3),
      clock: fc.nat(2),
      node: fc.constantFrom('celery@one', 'celery@two'),
      name: text,
      args: text,
      queue: text,
      result: text,
      exception: text,
      retries: fc.constantFrom(null, 0, 1),
      runtime: fc.constantFrom(null, 0.5),
      root_id: text,
      sent_at: fc.constantFrom(null, 1.5),
    })
    .map(({ id, what, ...given }) => task(id, what, given))
  const events = fc.array(event, { minLength: 1, maxLength: 25 })
  return events.chain((some) =>
    fc.array(fc.record({ events: fc.subarray([...some, ...some], { minLength: 1 }), by: fc.constantFrom(0, 1, 2) }), {
      minLength: 1,
      maxLength: 5,
    }),
  )
}
