import { expect } from 'chai'
import { eventually } from '../eventually.js'
import { ACluster } from './a-cluster.js'

const PING = { method: 'ping', arguments: {} }
const pong = () => ({ ok: 'pong' })

describe('asking workers', () => {
  let cluster: ACluster
  beforeEach(async () => {
    cluster = await ACluster.open(null)
  })
  afterEach(() => cluster.close())

  /** The question under way goes on for so long. */
  const pass = async (seconds: number) => {
    await eventually(() => cluster.clock.sleepers > 0)
    cluster.clock.pass(seconds)
  }

  it('gathers answers in the order they come, and hands each on at once', async () => {
    const seen: string[] = []
    await cluster.node('a', pong)
    await cluster.node('b', () => ['busy'])

    const asked = cluster.client.ask(PING, { onReply: ({ node }) => seen.push(node) })
    await eventually(() => seen.length === 2)
    await pass(1)

    expect(await asked).to.deep.equal([
      { node: 'a', value: { ok: 'pong' }, after: 0 },
      { node: 'b', value: ['busy'], after: 0 },
    ])
    expect(seen).to.deep.equal(['a', 'b'])
  })

  it('sends what kombu sends: no destination, a ticket, an address that never changes, its clock, when it stops to listen', async () => {
    await cluster.node('a', pong)
    for (const _ of [1, 2]) {
      const asked = cluster.client.ask(PING, { limit: 1 })
      await asked
    }

    const [first, second] = cluster.heard
    expect(first).to.deep.include({ method: 'ping', arguments: {}, destination: undefined, expires: cluster.clock.now() / 1000 + 1 })
    expect(second!.clock).to.be.above(first!.clock)
    expect(second!.reply!.routingKey).to.equal(first!.reply!.routingKey)
    expect(second!.reply!.ticket).not.to.equal(first!.reply!.ticket)
  })

  it('waits anew after every answer', async () => {
    const replies: string[] = []
    await cluster.node('slow', () => undefined)
    const asked = cluster.client.ask(PING, { onReply: ({ node }) => replies.push(node) })
    const [request] = await eventually(() => cluster.heard.length > 0 && cluster.heard)

    for (const node of ['a', 'b', 'c']) {
      await pass(0.9)
      await cluster.reply(request!, node, 1)
      await eventually(() => replies.includes(node))
    }
    await pass(1)

    expect((await asked).map(({ node, after }) => [node, Math.round(after)])).to.deep.equal([
      ['a', 900],
      ['b', 1800],
      ['c', 2700],
    ])
  })

  it('waits no longer when all that were named have answered', async () => {
    for (const name of ['a', 'b', 'c']) await cluster.node(name, pong)

    const replies = await cluster.client.ask(PING, { destination: ['a', 'c'] })

    expect(replies.map(({ node }) => node)).to.deep.equal(['a', 'c'])
  })

  it('asks those that fit a pattern', async () => {
    for (const name of ['celery@web-1', 'celery@web-2', 'celery@mail']) await cluster.node(name, pong)

    const asked = cluster.client.ask(PING, { pattern: 'celery@web-*', matcher: 'glob' })
    await eventually(() => cluster.heard.length === 2)
    await pass(1)

    expect((await asked).map(({ node }) => node)).to.deep.equal(['celery@web-1', 'celery@web-2'])
  })

  it('adopts the clocks of who answers', async () => {
    await cluster.node('a', () => undefined)
    const asked = cluster.client.ask(PING, { limit: 1 })
    const [request] = await eventually(() => cluster.heard.length > 0 && cluster.heard)
    await cluster.reply(request!, 'a', 1, 4_000)

    await asked

    expect(cluster.lamport.now()).to.be.above(4_000)
  })

  it('gives nobody an answer that came late, and keeps questions apart that are asked at once', async () => {
    await cluster.node('a', ({ method }) => (method === 'ping' ? undefined : { ok: method }))
    const ping = cluster.client.ask(PING)
    const clock = cluster.client.ask({ method: 'clock', arguments: {} }, { destination: ['a'] })

    expect(await clock).to.deep.equal([{ node: 'a', value: { ok: 'clock' }, after: 0 }])
    await pass(1)
    expect(await ping).to.deep.equal([])
    await cluster.reply(cluster.heard[0]!, 'a', 'late')
  })

  it('ends with what it has when it is told to', async () => {
    const stop = new AbortController()
    await cluster.node('a', pong)

    const asked = cluster.client.ask(PING, { signal: stop.signal, onReply: () => stop.abort() })

    expect(await asked).to.have.length(1)
  })

  it('ignores what is no answer, and says so', async () => {
    await cluster.node('a', () => undefined)
    const asked = cluster.client.ask(PING, { limit: 1 })
    const [request] = await eventually(() => cluster.heard.length > 0 && cluster.heard)
    for (const raw of ['', 'null', '[]', '{"headers": {"ticket": 5}}']) await cluster.deliver(request!.reply!.routingKey, raw)
    await cluster.reply(request!, 'a', 'good')

    expect((await asked).map(({ value }) => value)).to.deep.equal(['good'])
    expect(cluster.warnings).to.have.length(4)
  })

  it('ends its questions when it is closed', async () => {
    const asked = cluster.client.ask(PING)
    await eventually(() => cluster.clock.sleepers > 0)

    await cluster.client.close()

    expect(await asked).to.deep.equal([])
  })

  it('sends a request that nobody answers without waiting', async () => {
    await cluster.node('a', () => undefined)

    await cluster.client.cast({ method: 'shutdown', arguments: {} }, { destination: ['a'] })

    const [request] = await eventually(() => cluster.heard.length > 0 && cluster.heard)
    expect(request).to.deep.include({ method: 'shutdown', destination: ['a'], reply: undefined, expires: 0 })
  })
})

describe('asking workers, where the broker can tell how many hear it', () => {
  it('waits no longer when all of them have answered', async () => {
    const cluster = await ACluster.open()
    for (const name of ['a', 'b']) await cluster.node(name, pong)

    expect((await cluster.client.ask(PING)).map(({ node }) => node)).to.deep.equal(['a', 'b'])
    await cluster.close()
  })

  it('tells how many heard it', async () => {
    const cluster = await ACluster.open()
    const heard: (number | null)[] = []
    await cluster.node('a', pong)

    await cluster.client.ask(PING, { onSent: (listeners) => heard.push(listeners) })

    expect(heard).to.deep.equal([1])
    await cluster.close()
  })

  it('does not wait at all when nobody does', async () => {
    const cluster = await ACluster.open()

    expect(await cluster.client.ask(PING)).to.deep.equal([])
    expect(await cluster.client.ask(PING, { destination: ['a'] })).to.deep.equal([])
    await cluster.close()
  })

  it('does not take it for the number of answers when only some are asked', async () => {
    const cluster = await ACluster.open(1)
    for (const name of ['a', 'b']) await cluster.node(name, pong)

    expect(await cluster.client.ask(PING, { destination: ['a', 'b'] })).to.have.length(2)
    await cluster.close()
  })
})
