import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Context } from 'mocha'
import type { Broker } from '../../../src/broker/broker.js'
import { openBroker } from '../../../src/broker/open.js'
import { eventually } from '../../eventually.js'
import { redisUrl } from '../../setup/servers.js'
import { NODE } from './a-keeper.js'
import { Asker, carrying } from './an-asker.js'

const CHILD = fileURLToPath(new URL('blocking.ts', import.meta.url))
const LEASE_MS = 1_000

describe('a worker whose event loop is blocked (U1)', () => {
  let folder: string
  let child: ChildProcess
  let output: string
  let broker: Broker
  let asker: Asker

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'celerity-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))
  afterEach(async () => {
    child?.kill('SIGKILL')
    await asker?.close()
    await broker?.close()
  })

  const said = (word: string) => eventually(() => new RegExp(`^${word} ?(.*)$`, 'm').exec(output)?.[1] ?? false, 20)

  async function block(url: string, seconds: number): Promise<void> {
    output = ''
    child = spawn(process.execPath, ['--import', 'tsx', CHILD, url, String(LEASE_MS), String(seconds)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    broker = await openBroker(url)
    asker = await Asker.open(broker)
    await said('ready')
    await eventually(async () => {
      await asker.send('ping')
      await new Promise((resolve) => setTimeout(resolve, 100))
      return asker.heard.length > 0
    }, 20)
    child.stdin?.write('now')
    await said('blocked')
  }

  const urls: Readonly<Record<string, (context: Context) => Promise<string> | string>> = {
    Redis: redisUrl,
    SQLite: () => `sqlite:${join(folder, 'blocked.db')}`,
  }
  for (const [name, urlOf] of Object.entries(urls)) {
    it(`answers within a second, for the tasks it holds too, and keeps its lease: ${name}`, async function () {
      this.timeout(60_000)
      await block(await urlOf(this), 5)
      await new Promise((resolve) => setTimeout(resolve, 1_500)) // longer than the lease

      const ping = await asker.hear('ping')
      const active = await asker.hear('active')
      const stats = await asker.hear('stats')
      const reserved = (await asker.ask('reserved')) as readonly Record<string, unknown>[]
      const queried = await asker.ask('query_task', { ids: ['id-0', 'id-2', 'none'] })
      const registered = await asker.ask('registered')
      const conf = await asker.ask('dump_conf')
      const chosen = await asker.ask('ping', {}, { pattern: 'w\\d+@', matcher: 'pcre' })
      const hello = await asker.ask('hello', { from_node: 'w2@host1', revoked: {} })
      const revoke = await asker.ask('revoke', { task_id: ['id-2'], terminate: false })
      const revoked = await asker.ask('revoked')
      const grow = await asker.ask('pool_grow', { n: 1 })
      await asker.raw(carrying({ method: 'ping', destination: 5 }))
      for (let n = 0; n < 1_000; n++) await asker.raw(carrying({ method: 'disable_events' }))
      const { reaped } = await broker.tend(() => ({ fate: { kind: 'ack' } })) // as any other worker does
      const after = JSON.parse(await said('turns'))
      const turned = await asker.ask('ping')

      expect(ping.values).to.deep.equal({ [NODE]: { ok: 'pong' } })
      for (const { after } of [ping, active, stats]) expect(after).to.be.below(1_000)
      const { worker_pid: pid, ...info } = (active.values[NODE] as readonly [Record<string, unknown>])[0]
      expect(pid).to.equal(child.pid)
      expect(info).to.deep.equal({
        id: 'id-0',
        name: 'kuma.block',
        args: [0, 'ä'],
        kwargs: { n: 0 },
        type: 'kuma.block',
        hostname: NODE,
        time_start: 1_000,
        acknowledged: false,
        delivery_info: { exchange: '', routing_key: 'celery', priority: 0, redelivered: false },
      })
      expect(stats.values[NODE]).to.deep.include({ total: { 'kuma.block': 1 }, pid: child.pid })
      expect((stats.values[NODE] as { celerity: object }).celerity)
        .to.have.property('blocked_seconds')
        .that.is.within(1, 5)
      expect(reserved.map(({ id, time_start }) => [id, time_start])).to.deep.equal([
        ['id-1', null],
        ['id-2', null],
      ])
      expect(Object.entries(queried as Record<string, readonly unknown[]>).map(([id, [state]]) => [id, state])).to.deep.equal([
        ['id-0', 'active'],
        ['id-2', 'reserved'],
      ])
      expect(registered).to.deep.equal(['kuma.block'])
      expect(conf).to.deep.equal({ a: 1 })
      expect(chosen).to.deep.equal({ ok: 'pong' })
      expect(hello).to.have.property('revoked').that.deep.equals({})
      expect(revoke).to.deep.equal({ ok: "tasks {'id-2'} flagged as revoked" })
      expect(revoked).to.deep.equal(['id-2'])
      expect([...(await broker.revoked())]).to.deep.equal(['id-2'])
      expect(grow)
        .to.have.property('error')
        .that.matches(/^the event loop is blocked by task kuma\.block\[id-0\] for \d s; this is carried out/)
      expect(reaped).to.deep.equal([])
      expect(after.lost).to.equal(false)
      expect(turned).to.deep.equal({ ok: 'main ping' })
      await eventually(async () => ((await asker.ask('clock')) as { ok: string }).ok === 'main clock')
    })
  }

  it('leaves word at the broker of what it does and for how long it has been blocked', async function () {
    this.timeout(60_000)
    await block(await redisUrl(this), 8)

    const state = await eventually(async () => {
      const [worker] = await broker.workers()
      const word = JSON.parse(worker?.state ?? '{}')
      return word.blockedMs > 0 && word
    })

    expect(state).to.deep.include({ node: NODE, pid: child.pid, queues: ['celery'], concurrency: 4, processed: 0 })
    expect(state.active).to.deep.equal([{ id: 'id-0', name: 'kuma.block', since: 1_000 }])
    expect(state.answers.registered).to.deep.equal(['kuma.block'])
  })
})
