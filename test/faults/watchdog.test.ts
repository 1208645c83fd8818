import { expect } from 'chai'
import { scripts } from '../../src/broker/redis/scripts.js'
import { settingsOf } from '../../src/config/load.js'
import { Celerity } from '../../src/index.js'
import { createLog } from '../../src/log.js'
import { createWorker } from '../../src/worker/create.js'
import { Watchdog } from '../../src/worker/watchdog.js'
import { type RedisServer, startRedis } from '../setup/servers.js'
import { type RedisProxy, startRedisProxy } from './redis-proxy.js'

/** What `take` is answered by a server that has nothing. */
const NOTHING = '*6\r\n$2\r\nok\r\n$13\r\n1700000000000\r\n$2\r\n-1\r\n$1\r\n0\r\n*0\r\n*0\r\n'

describe('a worker that is idle while tasks wait', () => {
  let server: RedisServer
  let proxy: RedisProxy

  before(async function () {
    server = await startRedis(this)
    proxy = await startRedisProxy(server.port)
  })
  after(async () => {
    await proxy?.close()
    await server?.stop()
  })

  it('whose connections end at a server that is no longer the one, and whose waiters are deaf, builds them anew', async function () {
    this.timeout(60_000)
    const lines: string[] = []
    const app = new Celerity('kuma')
    const settings = settingsOf({ brokerUrl: proxy.url, resultBackend: proxy.url })
    app.configure(
      settings,
      createLog('info', (_, text) => lines.push(text)),
    )
    const add = app.task('kuma.add', (x: number) => x + 1)
    const { worker } = await createWorker(app)
    const ended = worker.run()
    expect(await (await add.delay(1)).get({ timeout: 10 })).to.equal(2)

    const old = proxy.made
    proxy.judge = ({ name, args, connection }) => {
      if (connection > old) return 'pass'
      if (name === 'BLMOVE') return 'lose'
      return name === 'EVALSHA' && args[0] === scripts.take.sha ? { reply: NOTHING } : 'pass'
    }

    expect(await (await add.delay(2)).get({ timeout: 40 })).to.equal(3)
    expect(lines.filter((text) => text.startsWith('messages wait that no take finds'))).to.have.length(1)
    worker.stopNow()
    await ended
    await app.close()
  })

  describe('is found out', () => {
    let waiting = 0
    let rebuilt = 0
    let asked = 0
    let isFree = true
    let watchdog: Watchdog

    beforeEach(() => {
      ;[waiting, rebuilt, asked, isFree] = [5, 0, 0, true]
      watchdog = new Watchdog({
        consumer: {
          watch: {
            waiting: async () => {
              asked++
              return waiting
            },
            reconnect: () => rebuilt++,
          },
        },
        log: createLog('critical', () => {}),
        queues: () => ['celery'],
        isFree: () => isFree,
      })
    })

    const looks = async (...words: (() => void)[]) => {
      for (const word of words) {
        word()
        await watchdog.look()
      }
    }
    const nothing = () => watchdog.took(0)

    it('at the second look in a row, and again after two more', async () => {
      await looks(nothing)
      expect(rebuilt).to.equal(0)
      await looks(nothing)
      expect(rebuilt).to.equal(1)
      await looks(nothing, nothing)
      expect(rebuilt).to.equal(2)
    })

    it('not where something is taken, the broker is away, no slot is free, or nothing waits', async () => {
      await looks(
        nothing,
        () => watchdog.took(1),
        nothing,
        () => watchdog.took(null),
        nothing,
      )
      await looks(() => {
        isFree = false
      }, nothing)
      isFree = true
      await looks(
        nothing,
        () => {
          waiting = 0
        },
        nothing,
      )

      expect(rebuilt).to.equal(0)
    })

    it('at no cost while it works', async () => {
      await looks(
        () => watchdog.took(1),
        () => watchdog.took(3),
      )
      expect(asked).to.equal(0)
    })
  })
})
