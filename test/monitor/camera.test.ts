import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { systemClock } from '../../src/clock.js'
import { CelerityError } from '../../src/errors.js'
import { createLog, silentLog } from '../../src/log.js'
import { Camera, type CameraOptions, type CameraParts } from '../../src/monitor/camera.js'
import { openSnapshots } from '../../src/monitor/open.js'
import type { Snapshot, SnapshotStore } from '../../src/monitor/store.js'
import type { GapRow, TaskRow, WorkerRow } from '../../src/monitor/tables.js'
import type { ClusterEvent } from '../../src/protocol/event.js'
import { encodeResult } from '../../src/protocol/result.js'
import { eventually } from '../eventually.js'
import { failure, success, task } from './some-events.js'

describe('the camera', () => {
  let folder: string
  let file: string
  let store: SnapshotStore
  let broker: Broker
  let open: { close(): Promise<void> }[]
  let number = 0

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'celerity-camera-'))
    file = join(folder, 'monitor.db')
    broker = await openBroker(`memory://camera-${++number}`)
    store = await openSnapshots(`sqlite:${file}`)
    open = [broker, store]
  })
  afterEach(async () => {
    for (const one of open) await one.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Hears what the test says on pub/sub. */
  function ear() {
    let hear: (events: readonly ClusterEvent[]) => void = () => {}
    const listen: CameraParts['listen'] = async (given) => {
      hear = given
      return { close: async () => {} }
    }
    return { listen, say: (...events: ClusterEvent[]) => hear(events) }
  }

  function camera(given: Partial<CameraParts> = {}, options: Partial<CameraOptions> = {}): Camera {
    const parts = { store, journal: broker.journal, listen: ear().listen, results: null, clock: systemClock, log: silentLog, ...given }
    const expiry = { success: 0, error: 0, pending: 0 }
    return new Camera(parts, { broker: 'memory://', freq: 0.02, pause: 0, expiry, keepsArguments: true, once: false, ...options })
  }

  async function running(one: Camera, act: () => Promise<void>): Promise<void> {
    const end = one.run()
    try {
      await act()
    } finally {
      one.stop()
      await end
    }
  }

  const journal = (events: readonly ClusterEvent[]) =>
    broker.broadcast({ exchange: 'celeryev', routingKey: 'task.multi', raw: envelope(events), events: events.length })
  const tasks = () => store.query<TaskRow>((tables) => tables.selectFrom('monitor_task').selectAll().orderBy('id'))
  const gaps = () => store.query<GapRow>((tables) => tables.selectFrom('monitor_gap').selectAll())

  it('stores what workers write to the journal, and what others tell', async () => {
    const { listen, say } = ear()

    await running(camera({ listen }), async () => {
      await eventually(async () => (await broker.journal.readers()).length > 0)
      await journal(success('a'))
      say(...failure('b', 'X()'))
      await eventually(async () => (await tasks()).filter(({ ended_at }) => ended_at !== null).length === 2)
    })

    expect((await tasks()).map(({ id, state }) => [id, state])).to.deep.equal([
      ['a', 'SUCCESS'],
      ['b', 'FAILURE'],
    ])
  })

  it('catches up with what came while it was away', async () => {
    await camera({}, { once: true }).run()
    await journal(success('a'))
    await journal(success('b'))

    await camera({}, { once: true }).run()

    expect((await tasks()).map(({ id, state }) => [id, state])).to.deep.equal([
      ['a', 'SUCCESS'],
      ['b', 'SUCCESS'],
    ])
    expect(await gaps()).to.deep.equal([])
  })

  it('keeps what it heard until it is stored, when the store fails', async () => {
    const { listen, say } = ear()
    const flaky = failing(store, 4)
    const one = camera({ listen, store: flaky })

    await running(one, async () => {
      await eventually(() => flaky.commits > 0)
      say(...success('a'))
      await journal(success('b'))
      await eventually(async () => (await tasks()).length === 2)
    })

    expect(flaky.commits).to.be.greaterThan(4)
    expect((await tasks()).map(({ state }) => state)).to.deep.equal(['SUCCESS', 'SUCCESS'])
    expect(one.state.away).to.deep.equal([])
    expect(await gaps()).to.deep.equal([])
  })

  it('says once that the store is away, and once that it is back', async () => {
    const said: string[] = []
    const log = createLog('info', (_, text) => said.push(text.replace(/ \d+ s$/, ' … s')))
    const flaky = failing(store, 5)
    const one = camera({ store: flaky, log })

    await running(one, async () => {
      await eventually(() => flaky.commits > 0)
      await journal(success('a'))
      await eventually(() => one.state.events === 3 && flaky.commits > 5)
    })

    expect(said).to.deep.equal([
      'the store of the monitor cannot be used, waiting for it: away',
      'the store of the monitor is back after … s',
    ])
  })

  it('loses nothing when a commit was made but not answered', async () => {
    const one = camera({ store: unanswered(store, 3) })

    await running(one, async () => {
      await eventually(async () => (await broker.journal.readers()).length > 0)
      await journal([...success('a'), ...failure('b', 'X()')])
      await eventually(() => one.state.away.includes('store') || one.state.events > 0)
      await eventually(async () => (await tasks()).length === 2 && one.state.away.length === 0)
    })

    expect((await tasks()).map(({ state }) => state)).to.deep.equal(['SUCCESS', 'FAILURE'])
  })

  it('counts what the journal had let go of', async () => {
    await camera({}, { once: true }).run()
    await journal(success('a'))
    const trimmed = { ...broker.journal, register: broker.journal.register.bind(broker.journal), read: read(broker, { oldest: 3 }) }
    await camera({}, { once: true }).run()
    await journal(success('b'))

    await camera({ journal: trimmed as Broker['journal'] }, { once: true }).run()

    expect((await gaps()).map(({ cause, events }) => [cause, events])).to.deep.equal([['trimmed', 2]])
  })

  it('tells that the journal is another one, once', async () => {
    await camera({}, { once: true }).run()
    for (const reader of await broker.journal.readers()) await broker.journal.leave(reader)

    await camera({}, { once: true }).run()
    await camera({}, { once: true }).run()

    expect((await gaps()).map(({ cause, events }) => [cause, events])).to.deep.equal([['replaced', null]])
  })

  it('reads on when the journal went back, as after a crash of its server', async () => {
    await camera({}, { once: true }).run()
    await journal(success('a'))
    await camera({}, { once: true }).run()
    await store.commit({ ...NOTHING, cursor: { ...(await cursor()), from: 3, to: 900, lost: null } })

    await journal(success('b'))
    await camera({}, { once: true }).run()
    await camera({}, { once: true }).run()

    expect((await tasks()).map(({ id }) => id)).to.deep.equal(['a', 'b'])
    expect((await gaps()).map(({ cause }) => cause)).to.deep.equal(['replaced'])
  })

  async function cursor() {
    const [row] = await store.query((tables) => tables.selectFrom('monitor_cursor').selectAll())
    return row as { journal: string; server: string }
  }

  it('is one reader of the journal with all cameras of its store', async () => {
    const other = await openSnapshots(`sqlite:${file}`)
    open.push(other)
    const [one, two] = [camera(), camera({ store: other })]

    await running(one, () =>
      running(two, async () => {
        await eventually(async () => (await broker.journal.readers()).length > 0)
        for (let index = 0; index < 50; index++) await journal(success(`t${index}`))
        await eventually(async () => (await tasks()).length === 50)
      }),
    )

    expect(await broker.journal.readers()).to.have.length(1)
    expect((await tasks()).every(({ state }) => state === 'SUCCESS')).to.equal(true)
    expect(one.state.succeeded + two.state.succeeded).to.equal(50)
  })

  it('delays, and leaves nothing out, at a maximal rate', async () => {
    const counted = failing(store, 0)
    const one = camera({ store: counted }, { pause: 0.2 })

    await running(one, async () => {
      await eventually(async () => (await broker.journal.readers()).length > 0)
      for (let index = 0; index < 20; index++) {
        await journal(success(`t${index}`))
        await systemClock.sleep(0.02)
      }
      await eventually(async () => (await tasks()).length === 20)
    })

    expect(counted.commits).to.be.lessThan(10)
    expect((await tasks()).every(({ state }) => state === 'SUCCESS')).to.equal(true)
  })

  it('keeps no arguments and results where they are not wanted', async () => {
    await camera({}, { once: true }).run()
    await journal(success('a'))

    await camera({}, { once: true, keepsArguments: false }).run()

    expect((await tasks())[0]).to.include({ name: 'mail.send', args: null, kwargs: null, result: null, state: 'SUCCESS' })
  })

  it('writes workers when they come and go, and seldom in between', async () => {
    const { listen, say } = ear()
    const workers = () => store.query<WorkerRow>((tables) => tables.selectFrom('monitor_worker').selectAll())
    const beat = (type: string, active: number): ClusterEvent => ({
      ...(task('-', 'x') as ClusterEvent),
      type,
      timestamp: Date.now() / 1000,
      localReceived: Date.now() / 1000,
      fields: { freq: 2, active, processed: 3, loadavg: [1, 2, 3], sw_ident: 'py-celery', sw_ver: '5.6' },
    })
    const seen: (readonly [string, number | null] | undefined)[] = []
    const look = async () => seen.push((await workers()).map(({ state, active }) => [state, active] as const)[0])

    await running(camera({ listen }), async () => {
      await eventually(async () => (await broker.journal.readers()).length > 0)
      say(beat('worker-online', 0))
      await eventually(async () => (await workers()).length === 1)
      await look()
      say(beat('worker-heartbeat', 5))
      await journal(success('a'))
      await eventually(async () => (await tasks()).length === 1)
      await look()
      say(beat('worker-offline', 0))
      await eventually(async () => (await workers())[0]?.state === 'offline')
    })

    expect(seen).to.deep.equal([
      ['online', 0],
      ['online', 0],
    ])
    expect((await workers())[0]).to.include({ software: 'py-celery 5.6', load_15: 3 })
  })

  it('estimates what of a worker without a journal nobody saw', async () => {
    const { listen, say } = ear()
    const beat = (processed: number): ClusterEvent => ({
      ...(task('-', 'x') as ClusterEvent),
      type: 'worker-heartbeat',
      localReceived: Date.now() / 1000,
      fields: { freq: 2, active: 0, processed, loadavg: [0, 0, 0] },
    })
    const one = camera({ listen })

    await running(one, async () => {
      await eventually(async () => (await broker.journal.readers()).length > 0)
      say(beat(10), task('a', 'started'), task('b', 'started'), beat(12))
      expect(one.state.unseen).to.equal(0)
      say(task('c', 'started'), beat(20), beat(20))
      expect(one.state.unseen).to.equal(7)
    })
  })

  it('finds in the result store what became of tasks of a worker that is gone', async () => {
    const long = 1_000
    await store.commit({
      ...NOTHING,
      now: long,
      events: [task('a', 'received', { name: 'x' }), task('b', 'started'), task('c', 'started')],
    })
    const json = encodeResult({ id: 'a', outcome: { kind: 'success', value: [1, 'x'] }, dateDone: 2_000_000, markers: true })
    const wrong = new Error('no')
    const error = { type: 'ValueError', module: 'builtins', message: [wrong.message], traceback: 'Traceback' }
    const failed = encodeResult({ id: 'b', outcome: { kind: 'error', state: 'FAILURE', error }, dateDone: 2_000_000, markers: true })
    const asked: string[][] = []
    const results = {
      async get(ids: readonly string[]) {
        asked.push([...ids])
        return ids.map((id) => (id === 'a' ? json : id === 'b' ? failed : null))
      },
    }

    await camera({ results }, { once: true }).run()
    await camera({ results }, { once: true }).run()

    expect(asked).to.deep.equal([['a', 'b', 'c']])
    const rows = await tasks()
    expect(rows.map(({ state, result, exception }) => [state, result, exception])).to.deep.equal([
      ['SUCCESS', "[1, 'x']", null],
      ['FAILURE', null, "ValueError('no')"],
      ['STARTED', null, null],
    ])
    expect(rows[1]).to.include({ error: 'ValueError', ended_at: 2_000 })
  })

  it('lets what is old go', async () => {
    await store.commit({ ...NOTHING, now: 1_000, events: [...success('a'), ...failure('b', 'X()'), task('c', 'started')] })

    await camera({}, { once: true, expiry: { success: 60, error: 0, pending: 60 } }).run()

    expect((await tasks()).map(({ id }) => id)).to.deep.equal(['b'])
  })

  it('fails, when it is to run once and the store is away', async () => {
    const error = await camera({ store: failing(store, 100) }, { once: true })
      .run()
      .then(
        () => null,
        (reason: unknown) => reason,
      )

    expect(error).to.include({ code: 'E_MONITOR_UNREACHABLE' })
  })
})

const NOTHING: Snapshot = { now: 1, events: [], workers: [], cursor: null, gaps: [], checked: [] }

const away = () => new CelerityError('E_MONITOR_UNREACHABLE', { message: 'away' })

/** The first `times` commits fail, and nothing is stored. */
function failing(store: SnapshotStore, times: number): SnapshotStore & { readonly commits: number } {
  let commits = 0
  return {
    ...bound(store),
    get commits() {
      return commits
    },
    async commit(snapshot) {
      if (++commits <= times) throw away()
      return store.commit(snapshot)
    },
  }
}

/** Of the first `times` commits that hold something nobody learns that they were made. */
function unanswered(store: SnapshotStore, times: number): SnapshotStore {
  let commits = 0
  return {
    ...bound(store),
    async commit(snapshot) {
      const committed = await store.commit(snapshot)
      if (snapshot.events.length > 0 && ++commits <= times) throw away()
      return committed
    },
  }
}

function bound(store: SnapshotStore): SnapshotStore {
  return {
    place: store.place,
    commit: (snapshot) => store.commit(snapshot),
    expire: (scope, before, limit) => store.expire(scope, before, limit),
    forget: (before) => store.forget(before),
    query: (build) => store.query(build),
    close: () => store.close(),
  }
}

/** A journal whose oldest events are gone. */
function read(broker: Broker, { oldest }: { readonly oldest: number }): Broker['journal']['read'] {
  return async (position, limit) => {
    const page = await broker.journal.read(position, limit)
    return { ...page, oldest: oldest + 2, batches: page.batches.filter((batch) => batch.position > oldest) }
  }
}

function envelope(events: readonly ClusterEvent[]): string {
  const body = events.map(({ fields, localReceived: _, ...event }) => ({ ...event, ...fields }))
  return JSON.stringify({
    body: Buffer.from(JSON.stringify(body)).toString('base64'),
    'content-encoding': 'utf-8',
    'content-type': 'application/json',
    headers: { hostname: 'celery@one', celerity: 'journal' },
    properties: { body_encoding: 'base64' },
  })
}
