import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { eventually } from '../eventually.js'
import { python, type RedisServer, redisUrl, startRedis } from '../setup/servers.js'

const SEPARATOR = '\x06\x16'
const exchange = 'reply.celery.pidbox'
const bindings = `_kombu.binding.${exchange}`

interface Reply {
  readonly key: string
  readonly raw: string
}

/** What Celery 5.6 workers answered to a ping, as they pushed it. */
const replies: readonly Reply[] = JSON.parse(readFileSync(new URL('../fixtures/redis/pidbox-ping.json', import.meta.url), 'utf8')).replies
const oid = replies[0]?.key.slice(0, -exchange.length - 1) ?? ''
const member = `${oid}${SEPARATOR}${SEPARATOR}${oid}.${exchange}`
const lists = ['', '3', '6', '9'].map((step) => `${oid}.${exchange}${step === '' ? '' : SEPARATOR}${step}`)

describe('mailboxes on Redis, shared with Python', function () {
  this.timeout(30_000)
  let url: string
  let redis: Redis
  let broker: Broker

  beforeEach(async function () {
    url = await redisUrl(this)
    redis = new Redis(url)
    broker = await openBroker(url)
  })
  afterEach(async () => {
    await broker?.close()
    redis?.disconnect()
  })

  /** As kombu's `_put` with a direct exchange. */
  async function answerAsPython({ raw }: Reply, prefix = ''): Promise<number> {
    const bound = await redis.smembers(`${prefix}${bindings}`)
    const queues = bound.map((one) => one.split(SEPARATOR)).filter(([key]) => key === oid)
    for (const [, , queue] of queues) await redis.lpush(`${prefix}${queue}`, raw)
    return queues.length
  }

  it('bind and read as an asker of Celery does, and hear its workers byte for byte', async () => {
    const heard: string[] = []
    await broker.mailbox(exchange, oid, (raw) => heard.push(raw.toString()))

    expect(await redis.smembers(bindings)).to.deep.equal([member])
    for (const reply of replies) expect(await answerAsPython(reply)).to.equal(1)

    await eventually(() => heard.length >= replies.length)
    expect(heard).to.deep.equal(replies.map(({ raw }) => raw))
    expect(await redis.exists(...lists)).to.equal(0)
  })

  it('read the lists of all priorities', async () => {
    const heard: string[] = []
    await broker.mailbox(exchange, oid, (raw) => heard.push(raw.toString()))

    for (const [index, list] of lists.entries()) await redis.lpush(list, `${index}`)

    await eventually(() => heard.length >= lists.length)
    expect([...heard].sort()).to.deep.equal(['0', '1', '2', '3'])
  })

  it('are answered as a worker of Celery does, byte for byte, for a while if nobody reads', async () => {
    await redis.sadd(
      bindings,
      member,
      `other${SEPARATOR}${SEPARATOR}other.${exchange}`,
      `${oid}2${SEPARATOR}${SEPARATOR}x`,
      'damaged',
      `${oid}${SEPARATOR}`,
    )

    for (const { raw } of replies) await broker.deliver({ exchange, routingKey: oid, raw })

    expect((await redis.lrange(`${oid}.${exchange}`, 0, -1)).reverse()).to.deep.equal(replies.map(({ raw }) => raw))
    expect(await redis.pttl(`${oid}.${exchange}`)).to.be.within(1_000, 300_000)
    expect((await redis.keys('*')).sort()).to.deep.equal([bindings, `${oid}.${exchange}`].sort())
  })

  it('stand behind the prefix where there is one, but for the names inside the binding', async () => {
    const prefix = `${randomUUID()}:`
    const behind = await openBroker(url, { keyPrefix: prefix })
    const heard: string[] = []
    await behind.mailbox(exchange, oid, (raw) => heard.push(raw.toString()))

    expect(await redis.smembers(`${prefix}${bindings}`)).to.deep.equal([member])
    await answerAsPython(replies[0] as Reply, prefix)
    await behind.deliver({ exchange, routingKey: oid, raw: 'ours' })

    await eventually(() => heard.length >= 2)
    expect(heard).to.deep.equal([replies[0]?.raw, 'ours'])
    await behind.close()
    expect(await redis.keys('*')).to.deep.equal([])
  })

  it('leave nothing when they are closed, read or not', async () => {
    const one = await broker.mailbox(exchange, oid, () => {})
    await broker.mailbox(exchange, 'another', () => {})
    await one.close()
    await redis.lpush(lists[0] as string, 'left by somebody who had read the binding before')
    const again = await broker.mailbox(exchange, oid, () => {})
    await again.close()
    await broker.close()

    expect(await redis.keys('*')).to.deep.equal([])
  })

  for (const [whose, tidy] of [
    ['the next asker', () => broker.mailbox(exchange, 'next', () => {})],
    ['a worker that tends', () => broker.tend(() => ({ fate: { kind: 'ack' } }))],
  ] as const) {
    it(`of an asker that was killed are taken away by ${whose}, once they have run out, and the others stay`, async () => {
      const killed = await openBroker(url)
      await killed.mailbox(exchange, 'standing', () => {})
      await redis.sadd(bindings, member)
      for (const list of lists) await redis.lpush(list, 'unread')
      await redis.sadd(bindings, `of-python${SEPARATOR}${SEPARATOR}of-python.${exchange}`)
      await redis.zadd('celerity:mailboxes', Date.now() - 1, `${member}${SEPARATOR}${exchange}`)

      await tidy()

      const left = (await redis.smembers(bindings)).map((one) => one.split(SEPARATOR)[0]).filter((key) => key !== 'next')
      expect(left.sort()).to.deep.equal(['of-python', 'standing'])
      expect(await redis.keys(`${oid}*`)).to.deep.equal([])
      await killed.close()
    })
  }

  it('hear Python’s workers, and are heard by Python’s askers: real ones', async function () {
    const program = python(this)
    const asker = new Program(program, ASKER, [url])
    const node = await broker.subscribe('celery.pidbox', '*', ({ raw }) => {
      const { ticket, reply_to } = bodyOf(raw)
      broker.deliver({ exchange: reply_to.exchange, routingKey: reply_to.routing_key, raw: reply(ticket, reply_to.routing_key) })
    })
    expect(await asker.ended).to.include('[{"node@here": {"ok": "pong"}}]')
    await node.close()

    const worker = new Program(program, WORKER, [url])
    const heard: Buffer[] = []
    await broker.mailbox(exchange, 'our-asker', (raw) => heard.push(raw))
    const ask = JSON.stringify(
      envelope({ method: 'ping', ...question('a-ticket', 'our-asker') }, { clock: 1, expires: 0 }, 'celery.pidbox', ''),
    )
    await eventually(async () => {
      await broker.broadcast({ exchange: 'celery.pidbox', routingKey: '', raw: ask })
      return heard.length > 0
    }, 20)
    worker.end()

    const message = JSON.parse(String(heard[0]))
    expect(message.headers.ticket).to.equal('a-ticket')
    expect(JSON.parse(Buffer.from(message.body, 'base64').toString())).to.deep.equal({ 'py@host': { ok: 'pong' } })
  })
})

describe('mailboxes on a Redis server that loses its data', function () {
  this.timeout(30_000)
  let server: RedisServer

  before(async function () {
    server = await startRedis(this)
  })
  after(() => server?.stop())

  it('are bound again as soon as it is back', async () => {
    const asker = await openBroker(server.url)
    const heard: string[] = []
    await asker.mailbox(exchange, oid, (raw) => heard.push(raw.toString()))

    await server.restart()

    const worker = await openBroker(server.url)
    await eventually(async () => {
      await worker.deliver({ exchange, routingKey: oid, raw: 'again' })
      return heard.length > 0
    })
    await Promise.all([asker.close(), worker.close()])
  })
})

function question(ticket: string, oid: string) {
  return { arguments: {}, destination: null, pattern: null, matcher: null, ticket, reply_to: { exchange, routing_key: oid } }
}

function bodyOf(raw: Uint8Array | string): ReturnType<typeof question> {
  return JSON.parse(Buffer.from(JSON.parse(Buffer.from(raw as Uint8Array).toString()).body, 'base64').toString())
}

function reply(ticket: string, routingKey: string): string {
  return JSON.stringify(envelope({ 'node@here': { ok: 'pong' } }, { ticket, clock: 2 }, exchange, routingKey))
}

function envelope(body: object, headers: object, on: string, routingKey: string): object {
  return {
    body: Buffer.from(JSON.stringify(body)).toString('base64'),
    'content-encoding': 'utf-8',
    'content-type': 'application/json',
    headers,
    properties: {
      delivery_mode: 1,
      delivery_info: { exchange: on, routing_key: routingKey },
      priority: 0,
      body_encoding: 'base64',
      delivery_tag: randomUUID(),
    },
  }
}

const ASKER = `
import json, sys
from celery import Celery
app = Celery(broker=sys.argv[1])
for _ in range(20):
    answer = app.control.broadcast('ping', reply=True, timeout=1, limit=1)
    if answer: break
print(json.dumps(answer))
`

const WORKER = `
import sys
from kombu import Connection
from kombu.pidbox import Mailbox
with Connection(sys.argv[1]) as connection:
    node = Mailbox('celery', type='fanout', accept=['json']).Node('py@host', channel=connection.channel())
    node.handlers['ping'] = lambda state, **_: {'ok': 'pong'}
    node.listen()
    while True: connection.drain_events()
`

class Program {
  /** What it wrote, once it has ended. */
  readonly ended: Promise<string>
  readonly #child: ChildProcess

  constructor(path: string, text: string, args: readonly string[]) {
    const child = spawn(path, ['-c', text, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk
    })
    this.#child = child
    this.ended = new Promise((resolve) => child.once('exit', () => resolve(said)))
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}
