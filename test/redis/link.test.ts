import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { openBroker } from '../../src/broker/open.js'
import { silentLog } from '../../src/log.js'
import { RedisLink } from '../../src/redis/link.js'
import { openResults } from '../../src/results/open.js'
import { PoorWire } from '../chaos/faults/poor-wire.js'
import { eventually } from '../eventually.js'
import { type RedisServer, startRedis } from '../setup/servers.js'

describe('a connection to a Redis server that is killed and comes back', function () {
  this.timeout(30_000)
  let server: RedisServer
  let link: RedisLink

  beforeEach(async function () {
    server = await startRedis(this, { durable: true })
    link = new RedisLink(server.url, { deadlineMs: 5_000, log: silentLog, unreachable: 'E_BROKER_UNREACHABLE' })
  })
  afterEach(async () => {
    await link.close()
    await server.stop()
  })

  it('sends what was under way again as soon as the server is back', async () => {
    const held = link.run((client) => client.blpop('list', 0)) // not answered before the server dies
    const other = new RedisLink(server.url, { deadlineMs: 5_000, log: silentLog, unreachable: 'E_BROKER_UNREACHABLE' })
    await eventually(async () => /blocked_clients:1/.test(await other.run((client) => client.info('clients'))))

    await server.restart()
    await other.run((client) => client.rpush('list', 'a'))

    expect(await held).to.deep.equal(['list', 'a'])
    await other.close()
  })

  it('lets the event loop turn while a client does not know yet that its socket has broken', async () => {
    const client = await link.run(async (one) => one)
    await link.run((one) => one.ping())
    client.stream.destroy()

    const began = performance.now()
    await Promise.all([link.run((one) => one.ping()), sleep(1)])

    expect(performance.now() - began).to.be.below(2_000)
  })

  it('is not thrown away for a call that was sent late over it: others wait for their answers', async () => {
    const wire = await PoorWire.open(server.port)
    const slow = new RedisLink(wire.url, { deadlineMs: 2_600, log: silentLog, unreachable: 'E_BROKER_UNREACHABLE' })
    await slow.run((client) => client.ping())
    const connections = async () => /total_connections_received:(\d+)/.exec(await link.run((client) => client.info('stats')))?.[1]

    wire.become({ latencyMs: 1_000 })
    const late = slow.run((client) => client.echo('late')).catch(() => 'too late')
    await sleep(600)
    const before = slow.readySince
    wire.reset()
    await eventually(() => slow.readySince !== null && slow.readySince !== before) // greeted: a second after the reset
    const made = await connections()
    const other = slow.run((client) => client.echo('in time'))

    expect(await Promise.all([late, other])).to.deep.equal(['too late', 'in time'])
    expect(await connections()).to.equal(made)
    await slow.close()
    await wire.close()
  })

  it('tells each result and each broadcast once, however often it had to connect', async () => {
    const [results, broker] = await Promise.all([openResults(server.url), openBroker(server.url)])
    const heard: string[] = []
    await results.watch(['t'], (_, json) => heard.push(json))
    await broker.subscribe('celeryev', '*', ({ raw }) => heard.push(String(raw)))

    await server.restart()
    await server.restart()
    await eventually(async () => {
      await broker.broadcast({ exchange: 'celeryev', routingKey: 'again', raw: 'back' })
      return heard.includes('back')
    })
    await eventually(async () => {
      await results.set([{ id: 't', state: 'PROGRESS', json: '{"status":"PROGRESS"}', ttl: 60 }])
      return heard.includes('{"status":"PROGRESS"}')
    })
    heard.length = 0
    await results.set([{ id: 't', state: 'SUCCESS', json: '{"status":"SUCCESS"}', ttl: 60 }])
    await broker.broadcast({ exchange: 'celeryev', routingKey: 'once', raw: 'last' })
    await eventually(() => heard.includes('last') && heard.includes('{"status":"SUCCESS"}'))

    expect(heard.filter((text) => text === 'last' || text === '{"status":"SUCCESS"}')).to.have.members(['last', '{"status":"SUCCESS"}'])
    await Promise.all([results.close(), broker.close()])
  })
})
