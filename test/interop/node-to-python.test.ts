import { expect } from 'chai'
import type { AsyncResult, CallOptions, TaskState } from '../../src/index.js'
import { CalendarDate, CelerityError, ClockTime, Decimal, RemoteTaskError, TaskRevoked, Uuid } from '../../src/index.js'
import { eventually } from '../eventually.js'
import { Scene } from './scene.js'

describe('a Node producer and a Python worker', function () {
  this.timeout(30_000)
  let scene: Scene

  before(async function () {
    scene = await Scene.open(this)
    await Promise.all([
      scene.pythonWorker(['python']),
      scene.pythonWorker(['single'], { name: 'single' }),
      scene.nodeWorker({ queues: ['node'] }),
    ])
  })
  after(() => scene?.close())

  describe('arguments', () => {
    it('arrive by position and by name', async () => {
      expect(await call('py.add', [2, 3])).to.equal(5)
      expect(await call('py.add', [2], { kwargs: { y: 3 } })).to.equal(5)
      expect(await call('py.echo', [1], { kwargs: { slug: 'Web/CSS', deep: { er: [null, true] } } })).to.deep.equal([
        [1],
        { slug: 'Web/CSS', deep: { er: [null, true] } },
      ])
    })

    it('of types that JSON has not arrive as the strings that Celery 5.2 knows', async () => {
      const args = [
        new Date('2024-02-29T12:30:00.250Z'),
        new CalendarDate('2024-02-29'),
        new ClockTime('01:02:03'),
        new Uuid('12345678123456781234567812345678'),
        new Decimal('10.250'),
      ]

      expect(await call('py.types', args)).to.deep.equal([
        ['str', "'2024-02-29T12:30:00.250000Z'"],
        ['str', "'2024-02-29T00:00:00'"],
        ['str', "'01:02:03'"],
        ['str', "'12345678-1234-5678-1234-567812345678'"],
        ['str', "'10.250'"],
      ])
    })

    it('of bytes are refused where they are sent, for Celery 5.2 has no way to carry them', async () => {
      const error = await failureOf(call('py.types', [Buffer.from('x')]))

      expect(error).to.be.instanceOf(CelerityError).and.include({ code: 'E_ENCODE' })
      expect((error as CelerityError).message).to.match(/^args\[0\]/)
    })

    it('keep big integers, NaN and Infinity', async () => {
      expect(await call('py.types', [2n ** 64n + 1n, Number.NaN, Number.NEGATIVE_INFINITY, 1.5])).to.deep.equal([
        ['int', '18446744073709551617'],
        ['float', 'nan'],
        ['float', '-inf'],
        ['float', '1.5'],
      ])
      expect(await call('py.add', [2n ** 64n, 1])).to.equal(2n ** 64n + 1n)
    })

    it('of a megabyte of text from all planes go both ways', async () => {
      const text = 'žluťoučký kůň \u65e5\u672c\u8a9e 🎉\u0000\t"\\ '.repeat(40_000).slice(0, 1_048_576)

      const [[value]] = (await call('py.echo', [text])) as [[string], object]

      expect(value === text).to.equal(true)
    })

    it('that are compressed with zlib are read', async () => {
      for (const compression of ['zlib', 'gzip'] as const) {
        expect(await call('py.echo', ['x'.repeat(10_000)], { compression })).to.deep.equal([['x'.repeat(10_000)], {}])
      }
    })

    it('that do not fit are a TypeError of Python', async () => {
      const error = await remoteErrorOf(call('py.add', [1]))

      expect(error).to.include({ pythonType: 'TypeError', pythonModule: 'builtins' })
      expect(error.message).to.match(/missing 1 required positional argument: 'y'/)
    })
  })

  describe('times', () => {
    it('of a countdown and an ETA are waited for', async () => {
      const due = Date.now() + 700
      const results = await Promise.all([
        send('py.now', [], { countdown: 0.7 }),
        send('py.now', [], { eta: new Date(due) }),
        send('py.now', [], { eta: due }),
        send('py.now', [], { eta: new Date(due).toISOString() }),
      ])

      // Python's timer fires up to a millisecond early.
      for (const result of results) expect(await result.get({ timeout: 10 })).to.be.within(due - 1, due + 2_000)
    })

    it('that have expired leave the task revoked', async () => {
      const result = await send('py.record', ['expired'], { expires: new Date('2020-01-01T00:00:00Z') })

      const error = await failureOf(result.get({ timeout: 10 }))

      expect(error).to.be.instanceOf(TaskRevoked).and.include({ code: 'E_TASK_REVOKED' })
      expect((error as TaskRevoked).message).to.match(/did not run: expired$/)
      expect(scene.ledger()).not.to.include('python expired')
    })

    it('that have not expired let it run', async () => {
      expect(await call('py.add', [2, 3], { expires: '1m' })).to.equal(5)
    })
  })

  describe('priorities', () => {
    it('are served from 0 to 9', async () => {
      const held = await send('py.hold', ['priorities'], { queue: 'single' })
      await scene.noted('python priorities begins')
      const results = []
      for (const priority of [9, 6, 3, 0]) results.push(await send('py.record', [`priority ${priority}`], { queue: 'single', priority }))

      scene.openGate('priorities')
      for (const result of [held, ...results]) await result.get({ timeout: 10 })

      const order = scene.ledger().filter((line) => line.includes('python priority'))
      expect(order).to.deep.equal([0, 3, 6, 9].map((priority) => `python priority ${priority}`))
    })
  })

  describe('a failure arrives with', () => {
    for (const type of ['ValueError', 'KeyError']) {
      it(`the type, the message and the traceback of a ${type}`, async () => {
        const error = await remoteErrorOf(call('py.fail', [type, 'boom']))

        expect(error).to.deep.include({ code: 'E_TASK_FAILED', name: type, pythonType: type, pythonModule: 'builtins', args: ['boom'] })
        expect(error.message).to.equal('boom')
        expect(error.traceback).to.match(/^Traceback \(most recent call last\):\n.*project\.py.*\n\w+: '?boom'?\s*$/s)
      })
    }

    it("the module and all arguments of an application's own exception", async () => {
      const error = await remoteErrorOf(call('py.fail', ['PageLocked', 'Web/CSS']))

      expect(error).to.deep.include({ pythonType: 'PageLocked', pythonModule: 'errors', args: ['Web/CSS', 'ann'] })
      expect(error.message).to.equal("('Web/CSS', 'ann')")
    })

    it('a value instead of a throw where the caller wants it so', async () => {
      const result = await send('py.fail', ['ValueError', 'boom'])

      const error = await result.get({ timeout: 10, propagate: false })

      expect(error).to.be.instanceOf(RemoteTaskError).and.include({ pythonType: 'ValueError' })
      expect(await result.failed()).to.equal(true)
    })
  })

  describe('states', () => {
    it('are PENDING, STARTED and SUCCESS', async () => {
      const result = await send('py.hold', ['states'], { countdown: 0.2 })
      expect(await result.state()).to.equal('PENDING')
      await reaches(result, 'STARTED')
      expect(await result.ready()).to.equal(false)

      scene.openGate('states')

      expect(await result.wait({ timeout: 10 })).to.equal('SUCCESS')
    })

    it('are followed through PROGRESS to the end', async () => {
      const result = await send('py.progress', ['steps'])
      const seen: TaskState[] = []

      for await (const state of result.follow({ timeout: 10 })) {
        seen.push(state)
        if (state.state === 'PROGRESS') scene.openGate(`steps-${(state.info as { done: number }).done}`)
      }

      const told = seen.filter(({ state }) => state !== 'PENDING')
      expect(told).to.deep.equal([
        { state: 'PROGRESS', info: { done: 1 } },
        { state: 'PROGRESS', info: { done: 2 } },
        { state: 'SUCCESS', info: 'all' },
      ])
    })

    it('are RETRY, with the error that caused it', async () => {
      const result = await send('py.flaky', ['flaky'])

      await reaches(result, 'RETRY')
      const cause = await result.info()
      const traceback = await result.traceback()
      scene.openGate('flaky')

      expect(cause).to.be.instanceOf(RemoteTaskError).and.include({ pythonType: 'ValueError', message: 'not yet' })
      expect(traceback).to.include('Traceback (most recent call last)')
      expect(await result.get({ timeout: 10 })).to.equal(1)
    })

    it('are REVOKED when a task that waits is revoked', async () => {
      const result = await send('py.record', ['revoked'], { countdown: 1 })
      // Whether Python's worker hears of it before or after it has fetched the message: it looks again when the time has come.
      await result.revoke()

      const error = await failureOf(result.get({ timeout: 10 }))

      expect(error).to.be.instanceOf(TaskRevoked)
      expect(await result.state()).to.equal('REVOKED')
      expect(scene.ledger()).not.to.include('python revoked')
    })
  })

  describe('a result', () => {
    it('arrives by push: who waits asks once, and hears of it at once', async () => {
      await call('py.now') // connections are open
      const result = await send('py.hold', ['push'])
      await scene.noted('python push begins')
      const before = await commandCalls('mget')
      const value = result.get({ timeout: 10 })
      await eventually(async () => (await commandCalls('mget')) === before + 1)
      scene.openGate('push')
      await value

      expect(await commandCalls('mget')).to.equal(before + 1)
      expect(Math.min(...(await delays(10)))).to.be.below(100)
    })

    it('that was forgotten is gone', async () => {
      const result = await send('py.add', [2, 3])
      await result.get({ timeout: 10 })

      await result.forget()

      expect(await result.state()).to.equal('PENDING')
    })
  })

  describe('what follows', () => {
    it('a success in Python is called in Node', async () => {
      const link = scene.app.signature('kuma.multiply', [10], { queue: 'node', taskId: 'link-in-node' })

      const result = await send('py.add', [2, 3], { link })

      expect(await scene.app.result('link-in-node').get({ timeout: 10 })).to.equal(50)
      expect((await result.children()).map(({ id }) => id)).to.include('link-in-node')
    })

    it('a success in Node is called in Python', async () => {
      const link = scene.app.signature('py.add', [10], { queue: 'python', taskId: 'link-in-python' })

      await send('kuma.add', [2, 3], { queue: 'node', link })

      expect(await scene.app.result('link-in-python').get({ timeout: 10 })).to.equal(15)
    })

    it('a failure in Python is called in Node, with the id of the task that failed', async () => {
      const linkError = scene.app.signature('kuma.noteFailure', [], { queue: 'node', taskId: 'errback-in-node' })

      const { id } = await send('py.fail', ['ValueError', 'boom'], { linkError })

      expect(await scene.app.result('errback-in-node').get({ timeout: 10 })).to.equal(`failed: ${id}`)
    })

    it('a failure in Node is called in Python, with the id of the task that failed', async () => {
      const linkError = scene.app.signature('py.echo', [], { queue: 'python', taskId: 'errback-in-python' })

      const { id } = await send('kuma.fail', ['ValueError', 'boom'], { queue: 'node', linkError })

      expect(await scene.app.result('errback-in-python').get({ timeout: 10 })).to.deep.equal([[id], {}])
    })
  })

  function send(task: string, args: readonly unknown[] = [], options: CallOptions = {}): Promise<AsyncResult> {
    return scene.app.send(task, args, { queue: 'python', ...options })
  }

  async function call(task: string, args: readonly unknown[] = [], options: CallOptions = {}): Promise<unknown> {
    return (await send(task, args, options)).get({ timeout: 10 })
  }

  async function reaches(result: AsyncResult, state: string): Promise<void> {
    await eventually(async () => (await result.state()) === state)
  }

  /** How often the server has carried out a command since it started. */
  async function commandCalls(command: string): Promise<number> {
    const stats = await scene.redis.info('commandstats')
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
  }

  /** Milliseconds from the moment the task took its time to the one its caller has the result. */
  async function delays(count: number): Promise<number[]> {
    const found: number[] = []
    while (found.length < count) {
      const at = (await call('py.now')) as number
      found.push(Date.now() - at)
    }
    return found
  }
})

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Error('it was to fail, and did not')
}

async function remoteErrorOf(work: Promise<unknown>): Promise<RemoteTaskError> {
  const error = await failureOf(work)
  if (error instanceof RemoteTaskError) return error
  throw error
}
