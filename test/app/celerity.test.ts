import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Celerity, type InProcessRunner, isCelerity } from '../../src/app/celerity.js'
import { currentRequest } from '../../src/app/current.js'
import type { TaskContext } from '../../src/app/task-context.js'
import { isRetry } from '../../src/app/throwables.js'
import { settingsOf } from '../../src/config/load.js'
import { toWireError } from '../../src/protocol/error-wire.js'
import { encodeResult } from '../../src/protocol/result.js'
import { aLog, anApp, failureOf, read, waiting } from './an-app.js'

describe('an application', () => {
  it('reads and opens nothing before it is needed', async () => {
    const app = new Celerity('kuma', { brokerUrl: 'nonsense' })
    const add = app.task('kuma.add', (x: number, y: number) => x + y)

    expect(add(2, 3)).to.equal(5)
    expect((await failureOf(add.delay(2, 3))).code).to.equal('E_SETTINGS')
  })

  it('finds its settings at the first send: the file wins over the code', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'celerity-app-'))
    const cwd = process.cwd()
    const app = new Celerity('kuma', { brokerUrl: 'memory://', taskDefaultQueue: 'by-code', taskDefaultPriority: 6 })
    try {
      await writeFile(join(folder, '.taskrc'), 'taskDefaultQueue: by-file\n')
      process.chdir(folder)
      await app.send('a')
    } finally {
      process.chdir(cwd)
      await rm(folder, { recursive: true })
    }

    expect((await waiting(app, 'by-file')).map(({ priority }) => priority)).to.deep.equal([6])
    await app.close()
  })

  it('takes its settings from a command once, and only before they were found', async () => {
    const app = anApp()

    expect((await failureOf(() => app.configure(settingsOf({ brokerUrl: 'memory://', resultBackend: 'memory://' })))).code).to.equal(
      'E_USAGE',
    )
  })

  it('knows nothing of another application in the same process', async () => {
    const one = anApp()
    const two = anApp()
    one.task('kuma.add', () => 1)
    two.task('kuma.add', () => 2)

    await one.send('kuma.add')

    expect(await waiting(one)).to.have.length(1)
    expect(await waiting(two)).to.have.length(0)
  })

  it('is told from everything else by a mark', () => {
    expect([new Celerity('kuma'), {}, null, Celerity].map(isCelerity)).to.deep.equal([true, false, false, false])
  })

  it('needs a name', async () => {
    expect((await failureOf(() => new Celerity(''))).code).to.equal('E_USAGE')
  })

  it('sends what was being sent when it is closed, and nothing after', async () => {
    const shared = `memory://${crypto.randomUUID()}`
    const app = new Celerity('kuma', { brokerUrl: shared })
    const other = anApp({ brokerUrl: shared })

    const sending = app.send('a')
    await app.close()
    await sending

    expect(await waiting(other)).to.have.length(1)
    expect((await failureOf(app.send('b'))).message).to.equal('the application was closed')
    await app.close()
  })
})

describe('a task', () => {
  it('is the function it was made from, under the name it was given', async () => {
    const app = new Celerity('kuma')
    const add = app.task('kuma.add', async (x: number, y = 1) => x + y)

    expect(await add(2)).to.equal(3)
    expect(add.name).to.equal('kuma.add')
    expect(app.registry.names()).to.deep.equal(['kuma.add'])
    expect(app.registry.get('kuma.add')?.registeredAt).to.match(/^test\/app\/celerity\.test\.ts:\d+$/)
  })

  it('throws its own errors when it is called', () => {
    const app = new Celerity('kuma')
    const fail = app.task('kuma.fail', () => {
      throw new RangeError('no')
    })

    expect(() => fail()).to.throw(RangeError, 'no')
  })

  it('has a context of its own when it is bound and called: nothing is stored', async () => {
    const { log, lines } = aLog()
    const app = anApp({}, { log })
    let context: TaskContext | undefined
    const mail = app.task('kuma.mail', { bind: true, retry: { max: 7 } }, async (task, to: string) => {
      context = task
      task.log.info('sending')
      await task.progress({ sent: 1 })
      return `to ${to}`
    })

    expect(await mail('ada')).to.equal('to ada')
    expect(context).to.deep.include({ name: 'kuma.mail', args: ['ada'], retries: 0, maxRetries: 7, queue: null, parentId: null })
    expect(context?.signal.aborted).to.equal(false)
    expect(lines).to.deep.equal([{ level: 'info', text: 'sending', fields: { task: 'kuma.mail', id: context?.id } }])
  })

  it('fails with its own error when it would retry and there is no message to send again', async () => {
    const app = new Celerity('kuma')
    const flaky = app.task('kuma.flaky', { bind: true }, (task, cause?: Error) => task.retry({ cause, countdown: 5 }))

    expect((await failureOf(() => flaky(new RangeError('busy')))).message).to.equal('busy')
    const error = await failureOf(() => flaky())
    expect(isRetry(error)).to.equal(true)
    expect(toWireError(error, null)).to.deep.include({ type: 'Retry', module: 'celery.exceptions', message: ['Retry in 5s', null, null] })
  })
})

describe('an eager run', () => {
  /** A worker that adds, or fails with what it is given. */
  const adds: InProcessRunner = async (_app, raw) => {
    const { id, args } = read(raw)
    const error = args[0] instanceof Date ? toWireError(new RangeError('a date')) : null
    return encodeResult({
      ...{ id, dateDone: 0, markers: true },
      outcome: error === null ? { kind: 'success', value: Number(args[0]) + Number(args[1]) } : { kind: 'error', state: 'FAILURE', error },
    })
  }
  const away = { brokerUrl: 'redis://127.0.0.1:1/0', resultBackend: 'redis://127.0.0.1:1/0' }

  it('hands the real message to the worker’s path, and touches no broker', async () => {
    const seen: unknown[] = []
    const app = anApp(away, {
      runInProcess: (same, raw) => {
        seen.push(same, read(raw).queue, read(raw).headers['sent_from'])
        return adds(same, raw)
      },
    })
    const add = app.task('kuma.add', { queue: 'adding' }, async (x: number, y: number) => x + y)

    const result = await add.apply([2, 3])

    expect(await result.get()).to.equal(5)
    expect(await result.state()).to.equal('SUCCESS')
    expect(seen.slice(0, 2)).to.deep.equal([app, 'adding'])
    expect(seen[2])
      .to.have.property('at')
      .that.matches(/^test\/app\/celerity\.test\.ts:\d+$/)
  })

  it('is what every send is when the settings say so', async () => {
    const app = anApp({ ...away, taskAlwaysEager: true }, { runInProcess: adds })
    const add = app.task('kuma.add', async (x: number, y: number) => x + y)

    const results = [
      await add.delay(1, 2),
      await add.s(1).applyAsync([3]),
      await app.send<number>('kuma.add', [2, 3]),
      ...(await app.sendMany([add.si(3, 3)])),
    ]

    expect(await Promise.all(results.map((result) => result.get()))).to.deep.equal([3, 4, 5, 6])
  })

  it('gives a failure by its result, or throws it where it was called', async () => {
    const quiet = anApp({ taskAlwaysEager: true }, { runInProcess: adds })
    const loud = anApp({ taskAlwaysEager: true, taskEagerPropagates: true }, { runInProcess: adds })

    const result = await quiet.send('kuma.add', [new Date()])

    expect(await result.state()).to.equal('FAILURE')
    expect((await failureOf(result.get())).message).to.equal('a date')
    expect((await failureOf(loud.send('kuma.add', [new Date()]))).message).to.equal('a date')
  })

  it('stores its result when asked to', async () => {
    const app = anApp({ taskAlwaysEager: true, taskStoreEagerResult: true }, { runInProcess: adds })

    const { id } = await app.send('kuma.add', [1, 1])

    expect(await app.result(id).get()).to.equal(2)
  })

  it('keeps to ignoreResult, as a worker would', async () => {
    const app = anApp({ taskAlwaysEager: true, taskStoreEagerResult: true }, { runInProcess: adds })
    const add = app.task('kuma.add', { ignoreResult: true }, (x: number, y: number) => x + y)

    const result = await add.delay(1, 1)

    expect((await failureOf(result.get())).code).to.equal('E_RESULTS_DISABLED')
    expect(await app.result(result.id).state()).to.equal('PENDING')
  })

  it('is a child of the task that made it', async () => {
    const app = anApp({ taskAlwaysEager: true }, { runInProcess: adds })
    const children: string[] = []

    const { id } = await currentRequest.run({ id: 'p', rootId: 'p', task: 'kuma.parent', children }, () => app.send('kuma.add', [1, 1]))

    expect(children).to.deep.equal([id])
  })

  it('is refused by an application that has no worker’s path', async () => {
    const error = await failureOf(anApp({ taskAlwaysEager: true }).send('kuma.add'))

    expect(error.code).to.equal('E_USAGE')
  })
})
