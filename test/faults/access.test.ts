import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { Redis } from 'ioredis'
import type { Broker } from '../../src/broker/broker.js'
import { openBroker } from '../../src/broker/open.js'
import { settingsOf } from '../../src/config/load.js'
import { Celerity } from '../../src/index.js'
import { createLog } from '../../src/log.js'
import type { PreparedWrite } from '../../src/prepared-write.js'
import { createWorker } from '../../src/worker/create.js'
import { eventually } from '../eventually.js'
import { type RedisServer, startRedis } from '../setup/servers.js'

/** What docs/redis.md names as needed. */
const NEEDED = '+@read +@write +@scripting +@pubsub +@connection +@transaction +info +time -@dangerous +info'

describe('a worker and the rights of its user on Redis', function () {
  this.timeout(30_000)
  let server: RedisServer
  let admin: Redis
  const brokers: Broker[] = []

  before(async function () {
    server = await startRedis(this)
    admin = new Redis(server.url)
  })
  afterEach(async () => {
    await Promise.all(brokers.splice(0).map((broker) => broker.close()))
  })
  after(async () => {
    admin?.disconnect()
    await server?.stop()
  })

  async function userWith(...rules: string[]): Promise<string> {
    const name = `u${randomUUID().slice(0, 8)}`
    await admin.call('ACL', 'SETUSER', name, 'on', '>pw', ...rules)
    return server.url.replace('://', `://${name}:pw@`)
  }

  async function register(url: string, write?: PreparedWrite): Promise<unknown> {
    const broker = await openBroker(url, { deadlineMs: 2_000 })
    brokers.push(broker)
    return broker.register({ incarnation: randomUUID(), node: 'celery@test', leaseMs: 5_000, queues: ['celery'], write }).then(
      () => null,
      (error: unknown) => error,
    )
  }

  it('registers where they suffice, and leaves nothing of the look behind', async () => {
    expect(await register(await userWith('~*', '&*', ...NEEDED.split(' ')))).to.equal(null)
    expect((await admin.keys('*scratch*')).length).to.equal(0)
  })

  it('is told at once which commands are missing, as ACL SETUSER takes them', async () => {
    for (const command of ['eval', 'evalsha', 'info', 'blmove', 'lpush', 'pexpire', 'time', 'xadd']) {
      const error = await register(await userWith('~*', '&*', '+@all', `-${command}`))

      expect(error, command).to.include({ code: 'E_ACCESS_DENIED', exit: 2 })
      expect(String(error), command).to.match(new RegExp(`does not allow what a worker needs: \\+${command}$`))
    }
    expect(String(await register(await userWith('~*', '&*', '+@all', '-hset', '-zadd')))).to.match(/\+hset \+zadd$/)
  })

  it('hears of a right that is missing, and of a password that nobody asked for, from our log alone', async () => {
    const said: string[] = []
    const lines: string[] = []
    const { warn, error } = console
    console.warn = console.error = (...words: unknown[]) => void said.push(words.join(' '))
    try {
      const log = createLog('info', (_, text) => lines.push(text))
      const url = server.url.replace('://', '://:needless@')
      const broker = await openBroker(url, { log })
      brokers.push(broker)
      await broker.queues.counts(['celery'])
      expect(await register(await userWith('~*', '&*', '+@all', '-info'))).to.include({ code: 'E_ACCESS_DENIED' })
    } finally {
      Object.assign(console, { warn, error })
    }

    expect(said).to.deep.equal([])
    expect(lines.filter((text) => text.includes('is not asked for'))).length(1)
    expect(lines.join()).not.to.contain('needless')
  })

  it('is told which keys and channels are out of its reach', async () => {
    const keys = await register(await userWith('~celerity:*', '~_kombu*', '&*', '+@all'))
    const channels = await register(await userWith('~*', 'resetchannels', '+@all'))

    expect(String(keys)).to.contain('~celery ').and.contain('~celery.delayed')
    expect(String(channels)).to.contain('+publish, &celerity:scratch:channel')
  })

  it('is told that it may not store results, where they go and on which channel they are told', async () => {
    const keys = ['~celerity:*', '~_kombu*', '~celery', '~celery\x06*', '~celery.*', '&*', '+@all']
    const write = (db: number) => ({ kind: 'redis' as const, db, key: `a:celery-task-meta-${randomUUID()}`, value: '', ttlMs: 1 })
    const words = async (db: number, ...rules: string[]) => String(await register(await userWith(...rules), write(db)))

    expect(await words(0, ...keys)).to.match(/needs: ~a:celery-task-meta-\*$/m)
    expect(await words(5, ...keys)).to.match(/needs: ~a:celery-task-meta-\*$/m)
    expect(await words(0, ...keys, '%R~a:celery*')).to.match(/needs: ~a:celery-task-meta-\*$/m)
    expect(await words(0, '~*', 'resetchannels', '&celerity:*', '+@all')).to.match(/needs: &a:celery-task-meta-\*$/m)
    expect(await words(5, '~*', '&*', '+@all', '-select')).to.match(/needs: \+select$/m)
    expect(await words(5, ...keys, '~a:celery*')).to.equal('null')
    expect((await admin.keys('*celery-task-meta-*')).length).to.equal(0)
  })

  for (const [where, db] of [
    ['beside the queues', 0],
    ['in another database', 5],
  ] as const) {
    it(`keeps results that are refused while it runs until they are taken, ${where}: none is lost, nothing runs twice`, async () => {
      const url = await userWith('~*', '&*', '+@all')
      const lines: string[] = []
      const app = new Celerity('kuma')
      app.configure(
        settingsOf({ brokerUrl: url, resultBackend: `${url}/${db}`, workerLease: 2 }),
        createLog('info', (_, text) => lines.push(text)),
      )
      const client = new Celerity('client', { brokerUrl: server.url, resultBackend: `${server.url}/${db}` })
      const runs: number[] = []
      app.task('kuma.run', (x: number) => {
        runs.push(x)
        return x
      })
      const { worker } = await createWorker(app)
      const ended = worker.run()
      expect(await (await client.send('kuma.run', [1])).get({ timeout: 10 })).to.equal(1)

      const user = new URL(url).username
      await admin.call('ACL', 'SETUSER', user, 'resetkeys', ...['celerity:*', '_kombu*', 'celery', 'celery.*'].map((key) => `~${key}`))
      await admin.call('ACL', 'SETUSER', user, '~celery\x06*')
      const sent = await Promise.all([
        client.send('kuma.run', [2]),
        client.send('kuma.run', [3], { link: client.signature('kuma.run') }),
        client.send('kuma.run', [4]),
      ])
      await eventually(
        () =>
          runs.length === 4 &&
          lines.some((text) => /results wait: .*refused: ERR The user executing the script|results wait: .*NOPERM/.test(text)),
      )
      expect(await Promise.all(sent.map((result) => result.state()))).to.deep.equal(['PENDING', 'PENDING', 'PENDING'])
      const [counts] = await (await client.broker()).queues.counts(['celery'])
      expect(counts).to.deep.include({ leased: 3, dead: 0, ready: 0 })
      await admin.call('ACL', 'SETUSER', user, '~*')

      expect(await Promise.all(sent.map((result) => result.get({ timeout: 15 })))).to.deep.equal([2, 3, 4])
      await eventually(() => runs.length === 5) // what is linked to one of them
      expect([...runs].sort()).to.deep.equal([1, 2, 3, 3, 4])
      worker.stopNow()
      await ended
      await Promise.all([app.close(), client.close()])
    })
  }

  it('ends with a clear word when its password is wrong, instead of waiting', async () => {
    const url = (await userWith('~*', '&*', '+@all')).replace(':pw@', ':wrong@')
    const app = new Celerity('kuma')
    app.configure(
      settingsOf({ brokerUrl: url }),
      createLog('critical', () => {}),
    )
    const { worker } = await createWorker(app)
    const began = performance.now()

    const error: unknown = await worker.run().catch((thrown: unknown) => thrown)

    expect(error).to.include({ code: 'E_ACCESS_DENIED', exit: 2 })
    expect(String(error)).to.contain('WRONGPASS').and.not.contain('wrong@')
    expect(performance.now() - began).to.be.below(5_000)
    await app.close()
  })

  it('waits when they are taken from it while it runs, says so, and goes on when it has them again', async () => {
    const url = await userWith('~*', '&*', '+@all')
    const name = new URL(url).username
    const lines: string[] = []
    const app = new Celerity('kuma')
    app.configure(
      settingsOf({ brokerUrl: url, resultBackend: url, workerLease: 2 }),
      createLog('info', (_, text) => lines.push(text)),
    )
    const add = app.task('kuma.add', (x: number) => x + 1)
    const { worker } = await createWorker(app)
    const ended = worker.run()
    expect(await (await add.delay(1)).get({ timeout: 10 })).to.equal(2)

    await admin.call('ACL', 'SETUSER', name, '-evalsha', '-eval')
    await eventually(() => lines.some((text) => text.includes('NOPERM')))
    await admin.call('ACL', 'SETUSER', name, '+@all')

    expect(await (await add.delay(2)).get({ timeout: 10 })).to.equal(3)
    expect(await (await app.broker()).queues.dead('celery', 0, 9)).to.deep.equal([])
    worker.stopNow()
    await ended
    await app.close()
  })
})
