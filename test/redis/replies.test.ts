import { expect } from 'chai'
import { isCelerityError } from '../../src/errors.js'
import { createLog } from '../../src/log.js'
import { type LinkOptions, RedisLink } from '../../src/redis/link.js'
import { Outages } from '../../src/redis/outages.js'
import { eventually } from '../eventually.js'
import { type RedisProxy, startRedisProxy } from '../faults/redis-proxy.js'
import { type RedisServer, startRedis } from '../setup/servers.js'

describe('a connection to a Redis server', function () {
  this.timeout(30_000)
  let server: RedisServer
  let proxy: RedisProxy
  let lines: string[]
  const links: RedisLink[] = []

  function link(options: Partial<LinkOptions> = {}, url = proxy.url): RedisLink {
    const log = createLog('info', (_, text) => lines.push(text))
    const made = new RedisLink(url, { deadlineMs: 2_000, log, unreachable: 'E_BROKER_UNREACHABLE', ...options })
    links.push(made)
    return made
  }

  before(async function () {
    server = await startRedis(this, { args: ['--requirepass', 'sesame'] })
  })
  beforeEach(async () => {
    lines = []
    proxy = await startRedisProxy(server.port)
  })
  afterEach(async () => {
    await Promise.all(links.splice(0).map((one) => one.close()))
    await proxy.close()
  })
  after(() => server?.stop())

  const withPassword = () => proxy.url.replace('://', '://:sesame@')

  it('sends a step again while the answer is "not yet"', async () => {
    for (const error of ['LOADING Redis is loading', 'BUSY Redis is busy', 'MISCONF no disk', 'READONLY replica', 'MASTERDOWN gone']) {
      let asked = 0
      proxy.judge = ({ name }) => (name === 'GET' && ++asked < 4 ? { error } : 'pass')

      expect(await link({}, withPassword()).run((client) => client.get('x')), error).to.equal(null)
      expect(asked, error).to.equal(4)
    }
  })

  it('tells at the deadline in what state the server is, and that nothing was carried out', async () => {
    proxy.judge = ({ name }) => (name === 'SET' ? { error: 'MISCONF it cannot write its disk' } : 'pass')

    const error = await failure(link({ deadlineMs: 300 }, withPassword()).run((client) => client.set('x', '1')))

    expect(error).to.include({ code: 'E_BROKER_UNREACHABLE', sent: false })
    expect(error.message).to.match(/does not serve: MISCONF it cannot write its disk$/)
    expect(error.message).to.not.contain('sesame')
    expect(lines.filter((text) => text.includes('MISCONF'))).to.have.length(1)
  })

  it('tells when a try was sent and its answer never came', async () => {
    proxy.judge = ({ name }) => (name === 'SET' ? 'lose' : 'pass')

    expect(await failure(link({ deadlineMs: 300 }, withPassword()).run((client) => client.set('x', '1')))).to.include({ sent: true })
  })

  it('fails at once where the server has no memory left: for results that is "not yet", for what is sent a no', async () => {
    proxy.judge = ({ name }) => (name === 'SET' ? { error: 'OOM command not allowed' } : 'pass')
    const set = (unreachable: LinkOptions['unreachable']) =>
      failure(link({ unreachable }, withPassword()).run((client) => client.set('x', '1')))

    expect(await set('E_BROKER_UNREACHABLE')).to.include({ code: 'E_BROKER_REFUSED' })
    expect(await set('E_RESULTS_UNREACHABLE')).to.include({ code: 'E_RESULTS_UNREACHABLE' })
  })

  it('fails at once, and says why, where the password is wrong or missing', async () => {
    const began = performance.now()
    const wrong = await failure(link({}, proxy.url.replace('://', '://:abracadabra@')).run((client) => client.ping()))
    const none = await failure(link().run((client) => client.ping()))

    expect(wrong).to.include({ code: 'E_ACCESS_DENIED', exit: 2 })
    expect(wrong.message).to.contain('WRONGPASS').and.not.contain('abracadabra')
    expect(none).to.include({ code: 'E_ACCESS_DENIED' })
    expect(none.message).to.contain('NOAUTH')
    expect(performance.now() - began).to.be.below(1_500)
  })

  it('that has served waits when its password is changed, says so, and goes on when it is changed back', async () => {
    const one = link({ deadlineMs: 500 }, withPassword())
    const admin = link({}, withPassword())
    await one.run((client) => client.ping())

    await admin.run((client) => client.config('SET', 'requirepass', 'changed'))
    proxy.cut()
    const error = await failure(one.run((client) => client.ping()))
    const changed = link({}, proxy.url.replace('://', '://:changed@'))
    await changed.run((client) => client.config('SET', 'requirepass', 'sesame'))

    expect(error).to.include({ code: 'E_BROKER_UNREACHABLE' })
    expect(error.message).to.contain('WRONGPASS')
    await eventually(() =>
      one
        .run((client) => client.ping())
        .then(
          () => true,
          () => false,
        ),
    )
    expect(lines.some((text) => text.includes('WRONGPASS'))).to.equal(true)
  })

  it('gives a peer up that takes connections and answers nothing, and is there when it answers again', async () => {
    const one = link({ deadlineMs: 1_000 }, withPassword())
    await one.run((client) => client.ping())

    proxy.isSilent = true
    expect(await failure(one.run((client) => client.ping()))).to.include({ code: 'E_BROKER_UNREACHABLE' })
    await failure(one.run((client) => client.ping()))
    expect(proxy.made).to.equal(2) // this one hangs in its greeting
    proxy.isSilent = false
    const back = performance.now()
    await eventually(
      () =>
        one
          .run((client) => client.ping())
          .then(
            () => true,
            () => false,
          ),
      10,
    )

    expect(performance.now() - back).to.be.below(7_000)
  })

  it('that only listens notices by itself that nothing comes any more, and listens anew', async () => {
    const heard: string[] = []
    const one = link({ deadlineMs: 500, listens: true }, withPassword())
    const clients = new Set<unknown>()
    one.whenReady((client) => {
      if (clients.has(client)) return
      clients.add(client)
      client.on('message', (_, text) => heard.push(text))
      void client.subscribe('news')
    })
    await one.run((client) => client.ping())

    proxy.isSilent = true
    setTimeout(() => {
      proxy.isSilent = false
    }, 1_000)
    const other = link({}, server.url.replace('://', '://:sesame@'))
    await eventually(async () => {
      await other.run((client) => client.publish('news', 'still here'))
      return heard.length > 0
    }, 15)
  })
})

describe('an outage', () => {
  it('is told by all connections of a process together: once a minute, and once that it is over', () => {
    let now = 5_000
    const lines: string[] = []
    const log = createLog('info', (level, text) => lines.push(`${level} ${text}`))
    const outages = new Outages(() => now)

    for (let second = 0; second < 150; second++, now += 1_000) {
      outages.away(log, 'redis://a', 'gone')
      outages.away(log, 'redis://a', 'refused')
    }
    outages.away(log, 'redis://b', 'gone too')
    outages.back(log, 'redis://a')
    outages.back(log, 'redis://a')
    outages.away(log, 'redis://a', 'gone') // within the minute
    outages.back(log, 'redis://a')

    expect(lines).to.deep.equal([
      'warning redis://a does not serve: gone; trying again',
      'warning redis://a does not serve: gone; trying again, since 1 min',
      'warning redis://a does not serve: gone; trying again, since 2 min',
      'warning redis://b does not serve: gone too; trying again',
      'info redis://a serves again, after 150.0 s',
    ])
  })
})

async function failure(step: Promise<unknown>): Promise<Error> {
  const error: unknown = await step.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  )
  if (!isCelerityError(error)) throw error
  return error
}
