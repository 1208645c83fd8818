import { expect } from 'chai'
import { eventually } from '../eventually.js'
import type { Call, Driver, Got, PythonError } from './driver.js'
import type { Process } from './process.js'
import { Scene } from './scene.js'

describe('a Python producer and a Node worker', function () {
  this.timeout(30_000)
  let scene: Scene
  let python: Driver
  let worker: Process

  before(async function () {
    scene = await Scene.open(this)
    ;[python, worker] = await Promise.all([
      scene.driver(),
      scene.nodeWorker({ queues: ['node'] }),
      scene.nodeWorker({ queues: ['single'], concurrency: 1, prefetchMultiplier: 1 }),
      scene.pythonWorker(['python']),
    ])
  })
  after(() => scene?.close())

  describe('arguments', () => {
    it('arrive by position', async () => {
      expect(await python.call(toNode('kuma.add', [2, 3]))).to.deep.equal({ value: 5 })
    })

    it('arrive by name where the task names its parameters', async () => {
      expect(await python.call(toNode('kuma.add', [], { y: 3, x: 2 }))).to.deep.equal({ value: 5 })
      expect(await python.call(toNode('kuma.add', [2], { y: 3 }))).to.deep.equal({ value: 5 })
    })

    it('arrive as one object after the others where it names none', async () => {
      expect(await python.call(toNode('kuma.collect', [1], { slug: 'Web/CSS', deep: { er: [null, true] } }))).to.deep.equal({
        value: [1, { slug: 'Web/CSS', deep: { er: [null, true] } }],
      })
    })

    it('that do not fit are a TypeError in the words of Python', async () => {
      const missing = raised(await python.call(toNode('kuma.add', [2])))
      const unexpected = raised(await python.call(toNode('kuma.add', [2, 3], { z: 4 })))

      expect(missing).to.include({ module: 'builtins', type: 'TypeError' })
      expect(missing.text).to.equal("kuma.add() missing 1 required positional argument: 'y'")
      expect(unexpected.text).to.equal("kuma.add() got an unexpected keyword argument 'z'")
    })

    it('of types that JSON has not arrive as the strings that Celery 5.2 sends', async () => {
      const args = [
        { $datetime: '2024-02-29T12:30:00.250000+00:00' },
        { $datetime: '2024-02-29T12:30:00' },
        { $date: '2024-02-29' },
        { $time: '01:02:03' },
        { $uuid: '12345678-1234-5678-1234-567812345678' },
        { $decimal: '10.250' },
      ]

      expect(await python.call(toNode('kuma.collect', args))).to.deep.equal({
        value: [
          '2024-02-29T12:30:00.250000Z',
          '2024-02-29T12:30:00',
          '2024-02-29T00:00:00',
          '01:02:03',
          '12345678-1234-5678-1234-567812345678',
          '10.250',
        ],
      })
    })

    it('of a megabyte of text from all planes go both ways', async () => {
      const text = 'žluťoučký kůň \u65e5\u672c\u8a9e 🎉\u0000\t"\\ '.repeat(40_000).slice(0, 1_048_576)

      const { value } = await python.call(toNode('kuma.echo', [text]))

      expect(value === text).to.equal(true)
    })

    it('that are compressed with zlib are read', async () => {
      for (const compression of ['zlib', 'gzip']) {
        expect(await python.call(toNode('kuma.echo', ['x'.repeat(10_000)], {}, { compression }))).to.deep.equal({
          value: 'x'.repeat(10_000),
        })
      }
    })

    it('that are compressed with bzip2 are refused: a failure that says so, and a dead letter', async () => {
      const id = await python.send(toNode('kuma.echo', ['x'], {}, { compression: 'bzip2' }))

      const error = raised(await python.get(id))

      expect(error).to.include({ module: 'kombu.exceptions', type: 'DecodeError' })
      expect(error.text).to.equal('compression: headers.compression: "application/x-bz2" cannot be decompressed here')
      const letter = await eventually(async () => (await scene.dead('node')).find(({ raw }) => raw.includes(id)))
      expect(letter).to.include({ reason: 'compression', queue: 'node' })
    })
  })

  describe('times', () => {
    it('of a countdown and an ETA, aware or naive, are waited for at the broker', async () => {
      const now = Date.now()
      const due = now + 700
      const inIndia = new Date(due + 5.5 * 3_600_000).toISOString().replace('Z', '+05:30')
      const naive = new Date(due).toISOString().replace('Z', '')
      const ids = await Promise.all([
        python.send(toNode('kuma.now', [], {}, { countdown: 0.7 })),
        python.send(toNode('kuma.now', [], {}, { eta: { $datetime: inIndia } })),
        python.send(toNode('kuma.now', [], {}, { eta: { $datetime: naive } })),
      ])

      await eventually(async () => (await counts('node')).delayed === 3)
      expect((await python.state(ids[0] as string)).state).to.equal('PENDING')
      for (const id of ids) {
        const { value } = await python.get(id)
        expect(value).to.be.within(due, due + 2_000)
      }
    })

    it('that have expired leave the task revoked', async () => {
      const expires = { $datetime: '2020-01-01T00:00:00+00:00' }

      const id = await python.send(toNode('kuma.record', ['expired'], {}, { expires }))
      const error = raised(await python.get(id))

      expect(error).to.include({ module: 'celery.exceptions', type: 'TaskRevokedError', text: 'expired' })
      expect((await python.state(id)).state).to.equal('REVOKED')
      expect(scene.ledger()).not.to.include('node expired')
    })

    it('that have not expired let it run', async () => {
      expect(await python.call(toNode('kuma.add', [2, 3], {}, { expires: 60 }))).to.deep.equal({ value: 5 })
    })
  })

  it('is served by priority, 0 first and 9 last, where the worker has one slot', async () => {
    const held = await python.send({ task: 'kuma.hold', args: ['priorities'], options: { queue: 'single' } })
    await scene.noted('node priorities begins')
    const ids: string[] = []
    for (const priority of [9, 6, 3, 0]) {
      ids.push(await python.send({ task: 'kuma.record', args: [`priority ${priority}`], options: { queue: 'single', priority } }))
    }

    scene.openGate('priorities')
    for (const id of [held, ...ids]) await python.get(id)

    const order = scene.ledger().filter((line) => line.includes('node priority'))
    expect(order).to.deep.equal([0, 3, 6, 9].map((priority) => `node priority ${priority}`))
  })

  describe('a failure arrives as', () => {
    for (const type of ['ValueError', 'TypeError']) {
      it(`the ${type} of Python`, async () => {
        const error = raised(await python.call(toNode('kuma.fail', [type, 'boom'])))

        expect(error).to.deep.include({ module: 'builtins', type, args: ['boom'], text: 'boom' })
      })
    }

    it('the exception of the application that the class names, made from its arguments', async () => {
      const error = raised(await python.call(toNode('kuma.fail', ['PageLocked', 'Web/CSS'])))

      expect(error).to.deep.include({ module: 'errors', type: 'PageLocked', args: ['Web/CSS', 'ann'] })
      expect(error.text).to.equal('Web/CSS is locked by ann')
    })

    it('an Exception of that name where Python has no such class', async () => {
      const unknown = raised(await python.call(toNode('kuma.fail', ['SmtpError', 'no such mailbox'])))
      const plain = raised(await python.call(toNode('kuma.fail', ['Error', 'boom'])))

      expect(unknown).to.include({ type: 'SmtpError', text: 'no such mailbox' })
      expect(unknown.bases).to.include('Exception')
      expect(plain).to.include({ module: 'builtins', type: 'Exception', text: 'boom' })
    })

    it('NotRegistered when the worker has no such task', async () => {
      const error = raised(await python.call(toNode('kuma.noSuchTask', [])))

      expect(error).to.include({ module: 'celery.exceptions', type: 'NotRegistered', text: "'kuma.noSuchTask'" })
    })

    it('with the stack of the handler as its traceback', async () => {
      const id = await python.send(toNode('kuma.fail', ['ValueError', 'boom']))
      await python.get(id)

      const { state, info, traceback } = await python.state(id)

      expect([state, info]).to.deep.equal(['FAILURE', "ValueError('boom')"])
      expect(traceback).to.match(/^Error: boom\n.*project\.ts:\d+/s)
    })
  })

  describe('the states that its AsyncResult shows', () => {
    it('are PENDING, STARTED and SUCCESS', async () => {
      const id = await python.send({ task: 'kuma.hold', args: ['states'], options: { queue: 'node', countdown: 0.2 } })
      const pending = await python.state(id)
      const started = await reaches(id, 'STARTED')
      scene.openGate('states')
      const value = await python.get(id)

      expect(pending.state).to.equal('PENDING')
      expect(started.info).to.include({ pid: worker.pid })
      expect(value).to.deep.equal({ value: 'states' })
      expect((await python.state(id)).state).to.equal('SUCCESS')
    })

    it('are PROGRESS, with what the handler told', async () => {
      const id = await python.send(toNode('kuma.progress', ['steps']))

      expect((await reaches(id, 'PROGRESS')).info).to.deep.equal({ done: 1 })
      scene.openGate('steps-1')
      await eventually(async () => ((await python.state(id)).info as { done?: number }).done === 2)
      scene.openGate('steps-2')
      expect(await python.get(id)).to.deep.equal({ value: 'all' })
    })

    it('are RETRY, with the error that caused it', async () => {
      const id = await python.send(toNode('kuma.flaky', ['flaky']))

      const retry = await reaches(id, 'RETRY')
      scene.openGate('flaky')

      expect(retry.info).to.equal("ValueError('not yet')")
      expect(retry.traceback).to.include('not yet')
      expect(await python.get(id)).to.deep.equal({ value: 1 })
    })

    it('are REVOKED when Node revokes it', async () => {
      const id = await python.send(toNode('kuma.record', ['revoked'], {}, { countdown: 0.3 }))
      await scene.app.revoke([id])

      const error = raised(await python.get(id))

      expect(error).to.include({ type: 'TaskRevokedError', text: 'revoked' })
      expect((await python.state(id)).state).to.equal('REVOKED')
      expect(scene.ledger()).not.to.include('node revoked')
    })
  })

  describe('what follows', () => {
    it('a success in Node is called in Python', async () => {
      const link = { task: 'py.add', args: [10], options: { queue: 'python', task_id: 'link-in-python' } }

      const id = await python.send({ ...toNode('kuma.add', [2, 3]), link })

      expect(await python.get('link-in-python')).to.deep.equal({ value: 15 })
      expect((await python.state(id)).children).to.deep.equal(['link-in-python'])
    })

    it('a success in Python is called in Node', async () => {
      const link = { task: 'kuma.multiply', args: [10], options: { queue: 'node', task_id: 'link-in-node' } }

      await python.send({ task: 'py.add', args: [2, 3], options: { queue: 'python' }, link })

      expect(await python.get('link-in-node')).to.deep.equal({ value: 50 })
    })

    it('a failure in Node is called in Python, with the id of the task that failed', async () => {
      const link_error = { task: 'py.echo', options: { queue: 'python', task_id: 'errback-in-python' } }

      const id = await python.send({ ...toNode('kuma.fail', ['ValueError', 'boom']), link_error })

      expect(await python.get('errback-in-python')).to.deep.equal({ value: [[id], {}] })
    })

    it('a failure in Python is called in Node, with the id of the task that failed', async () => {
      const link_error = { task: 'kuma.noteFailure', options: { queue: 'node', task_id: 'errback-in-node' } }

      const id = await python.send({ task: 'py.fail', args: ['ValueError', 'boom'], options: { queue: 'python' }, link_error })

      expect(await python.get('errback-in-node')).to.deep.equal({ value: `failed: ${id}` })
    })

    it('in a chain runs step by step in Node, each result the first argument of the next', async () => {
      const ids = await python.sendChain([toNode('kuma.add', [1, 2]), toNode('kuma.multiply', [10]), toNode('kuma.add', [5])])

      expect(await python.get(ids[2] as string)).to.deep.equal({ value: 35 })
      expect(await python.get(ids[1] as string)).to.deep.equal({ value: 30 })
      expect((await python.state(ids[0] as string)).children).to.deep.equal([ids[1]])
    })

    it('in a chain goes from language to language', async () => {
      const inPython = { task: 'py.add', args: [5], options: { queue: 'python' } }

      const ids = await python.sendChain([toNode('kuma.add', [1, 2]), inPython, toNode('kuma.multiply', [10])])

      expect(await python.get(ids[2] as string)).to.deep.equal({ value: 80 })
    })

    it('in a chain does not run after a failure, and who waits for the last step hears of it', async () => {
      const ids = await python.sendChain([toNode('kuma.fail', ['ValueError', 'boom']), toNode('kuma.record', ['after a failure'])])

      const error = raised(await python.get(ids[1] as string))

      expect(error).to.include({ type: 'ValueError', text: 'boom' })
      expect(scene.ledger()).not.to.include('node after a failure')
    })
  })

  describe('in the end', () => {
    it('nothing is left in the queue', async () => {
      await eventually(async () => (await counts('node')).leased === 0)

      expect(await counts('node')).to.include({ ready: 0, delayed: 0 })
    })
  })

  async function reaches(id: string, state: string) {
    return eventually(async () => {
      const now = await python.state(id)
      return now.state === state && now
    })
  }

  async function counts(queue: string) {
    const [found] = await (await scene.broker()).queues.counts([queue])
    if (found === undefined) throw new Error(`no counts of ${queue}`)
    return found
  }
})

function toNode(task: string, args: readonly unknown[], kwargs: Call['kwargs'] = {}, options: Call['options'] = {}): Call {
  return { task, args, kwargs, options: { queue: 'node', ...options } }
}

function raised(got: Got): PythonError {
  if (got.error === undefined) throw new Error(`it returned ${JSON.stringify(got.value)}`)
  return got.error
}
