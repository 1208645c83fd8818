import { connect, createServer, type Server, type Socket } from 'node:net'
import { expect } from 'chai'
import pg from 'pg'
import { openSnapshots } from '../../src/monitor/open.js'
import type { Snapshot, SnapshotStore } from '../../src/monitor/store.js'
import { describeSnapshots } from '../conformance/monitor.js'
import { postgresUrl } from '../setup/servers.js'
import { success } from './some-events.js'

describeSnapshots('PostgreSQL', async (context) => {
  const url = await postgresUrl(context)
  const client = new pg.Client(url)
  await client.connect()
  return {
    open: () => openSnapshots(url),
    async run(sql) {
      await client.query(sql)
    },
    remove: () => client.end(),
  }
})

describe('a store in PostgreSQL', function () {
  this.timeout(30_000)
  let url: string
  let opened: SnapshotStore[]

  before(async function () {
    url = await postgresUrl(this)
  })
  beforeEach(() => {
    opened = []
  })
  afterEach(async () => {
    for (const store of opened) await store.close()
  })

  async function open(at: string): Promise<SnapshotStore> {
    const store = await openSnapshots(at, { deadlineMs: 500 })
    opened.push(store)
    return store
  }

  const failed = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error: unknown) => error,
    )

  it('says what is wrong with a URL, a user, a database', async () => {
    const errors = [
      await failed(open('postgres://[')),
      await failed(open(url.replace('celerity@', 'nobody-of-that-name:secret@'))),
      await failed(open(url.replace(/test_\d+$/, 'missing'))),
      await failed(open('postgres://127.0.0.1:1/nothing')),
    ]

    expect(errors.map((error) => (error as { code?: string }).code)).to.deep.equal([
      'E_MONITOR_URL',
      'E_MONITOR_REFUSED',
      'E_MONITOR_REFUSED',
      'E_MONITOR_UNREACHABLE',
    ])
    expect(errors.map(String).join()).not.to.include('secret')
  })

  it('does not wait for ever behind a camera that holds the lock, and goes on when that is gone', async () => {
    const store = await open(url)
    const other = new pg.Client(url)
    await other.connect()
    await other.query('BEGIN; SELECT pg_advisory_xact_lock(499968568179)')

    const error = await failed(store.commit(A_SNAPSHOT))
    await other.end()
    const committed = await store.commit(A_SNAPSHOT)

    expect(error).to.include({ code: 'E_MONITOR_UNREACHABLE' })
    expect(committed.tasks).to.equal(1)
  })

  it('throws away a connection on which no answer comes, and makes another', async () => {
    const proxy = await startProxy(Number(new URL(url).port))
    const store = await open(url.replace(/:\d+\//, `:${proxy.port}/`))
    const rows = () => store.query((tables) => tables.selectFrom('monitor_task').select('id'))
    await rows()

    proxy.freeze()
    const began = performance.now()
    const error = await failed(rows())
    const waited = performance.now() - began

    expect(error).to.include({ code: 'E_MONITOR_UNREACHABLE' })
    expect(waited).to.be.lessThan(3_000)
    expect(await rows()).to.be.an('array')
    proxy.freeze()
    await store.close() // with nobody to say goodbye to
    await proxy.close()
  })
})

const A_SNAPSHOT: Snapshot = { now: 1, events: success('a'), workers: [], cursor: null, gaps: [], checked: [] }

/** Between a client and a server; what is there when it freezes stays silent for good. */
async function startProxy(port: number) {
  const sockets = new Set<Socket>()
  const server: Server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    client.pipe(upstream)
    upstream.pipe(client)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    freeze() {
      for (const socket of sockets) socket.unpipe().pause()
    },
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}
