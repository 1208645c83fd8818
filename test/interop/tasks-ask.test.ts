/** `tasks inspect`, `control`, `status` and `events` against a Python worker, for programs: the documents of Celery's own `-j`. The text is in ask.test.ts. */
import { expect } from 'chai'
import { eventually } from '../eventually.js'
import type { CeleryCommand } from './celery-command.js'
import type { Process } from './process.js'
import { Scene } from './scene.js'

const NODE = 'py@interop'

describe('tasks and a Python worker', function () {
  this.timeout(60_000)
  let scene: Scene
  let celery: CeleryCommand
  let worker: Process
  let events: Process
  /** Runs until its gate opens; is put aside until later. */
  let active: string
  let scheduled: string

  before(async function () {
    scene = await Scene.open(this)
    const start = () => scene.pythonWorker(['py'], { isSociable: true, flags: ['-P', 'prefork', '-c', '1'] })
    ;[celery, worker] = await Promise.all([scene.celeryCommand(), start()])
    events = scene.tasks(['events', '--json'])
    ;({ id: active } = await scene.app.send('py.hold', ['gate'], { queue: 'py' }))
    await scene.noted('python gate begins')
    ;({ id: scheduled } = await scene.app.send('py.add', [1, 2], { queue: 'py', countdown: 600 }))
    await scene.app.send('py.add', [3, 4], { queue: 'py' })
    await eventually(async () => {
      const [waiting, later] = await Promise.all(['reserved', 'scheduled'].map((question) => theirs('inspect', question)))
      return (waiting as unknown[]).length === 1 && (later as unknown[]).length === 1
    }, 20)
  })
  after(() => scene?.close())

  const audience = ['-t', '10', '-d', NODE]

  async function theirs(what: 'inspect' | 'control', ...words: readonly string[]): Promise<unknown> {
    return (await celery.json(what, ...audience, ...words))[NODE]
  }

  async function ours(...words: readonly string[]): Promise<unknown> {
    const process = scene.tasks([...words, ...audience, '--json'])
    const code = await process.closed
    const { [NODE]: answer, ...others } = JSON.parse(process.lines.join('\n')) as Record<string, unknown>
    expect([code, others], process.lines.join('\n')).to.deep.equal([isError(answer) ? 1 : 0, {}])
    return answer
  }

  const questions = [
    ...['ping', 'active', 'reserved', 'scheduled', 'registered', 'active-queues', 'conf', 'report', 'revoked', 'query-task'],
    ...['registered-rate', 'conf-all'],
  ]
  it('inspect has the documents that celery inspect -j has', async () => {
    const words = (question: string, style: 'ours' | 'theirs'): readonly string[] => {
      if (question === 'query-task') return [style === 'ours' ? 'query-task' : 'query_task', active, 'unknown']
      if (question === 'registered-rate') return ['registered', 'rate_limit', 'ignore_result']
      if (question === 'conf-all') return style === 'ours' ? ['conf', '--defaults'] : ['conf', 'true']
      return [style === 'ours' ? question : question.replace('-', '_')]
    }
    for (const some of [questions.slice(0, 4), questions.slice(4, 8), questions.slice(8)]) {
      await Promise.all(
        some.map(async (question) => {
          const [our, their] = await Promise.all([
            ours('inspect', ...words(question, 'ours')),
            theirs('inspect', ...words(question, 'theirs')),
          ])
          expect(unordered(our), question).to.deep.equal(unordered(JSON.parse(JSON.stringify(their)))) // Python's Infinity is null in JSON
        }),
      )
    }
  })

  it('inspect stats and clock have the same shape: their numbers go on', async () => {
    const [our, their] = await Promise.all([ours('inspect', 'stats'), theirs('inspect', 'stats')])
    const clock = await ours('inspect', 'clock')

    expect(our).to.have.all.keys(Object.keys(their as object))
    expect(our).to.have.nested.property('pool.max-concurrency', 1)
    expect(our).to.have.nested.property('broker.transport', 'redis')
    expect(clock).to.have.property('clock').that.is.a('number')
  })

  it('status knows it as online, and of the rest that it knows nothing', async () => {
    expect(await ours('status')).to.include({ ok: 'pong', state: 'online', concurrency: null, version: null })
  })

  it('control changes limits, the pool and queues', async () => {
    expect(await ours('control', 'rate-limit', 'py.add', '100/s')).to.deep.equal({ ok: 'new rate limit set successfully' })
    expect(await theirs('inspect', 'registered')).to.include('py.add [rate_limit=100/s]')
    expect(await ours('control', 'rate-limit', 'no.such', '1/s')).to.deep.equal({ error: 'unknown task' })
    expect(await ours('control', 'time-limit', 'py.add', '50s', '1m')).to.deep.equal({ ok: 'time limits set successfully' })
    expect(await ours('control', 'pool-grow')).to.deep.equal({ ok: 'pool will grow' })
    const processes = async () =>
      ((await theirs('inspect', 'stats')) as { readonly pool: { readonly processes: readonly unknown[] } }).pool.processes
    await eventually(async () => (await processes()).length === 2, 20)
    expect(await ours('control', 'add-consumer', 'newq')).to.deep.equal({ ok: 'add consumer newq' })
    expect(await theirs('inspect', 'active_queues')).to.have.nested.property('[1].name', 'newq')
    expect(await (await scene.app.send('py.add', [5, 6], { queue: 'newq' })).get({ timeout: 10 })).to.equal(11)
    expect(await ours('control', 'cancel-consumer', 'newq')).to.deep.equal({ ok: 'no longer consuming from newq' })
    expect(await ours('control', 'heartbeat')).to.equal(null)
  })

  it('events --json has an object a line, of tasks after enable-events and of the worker', async () => {
    expect(await ours('control', 'enable-events')).to.deep.equal({ ok: 'task events enabled' })
    const { id } = await scene.app.send('py.add', [20, 22], { queue: 'py' })
    await events.said(new RegExp(`"task-succeeded".*${id}|${id}.*"task-succeeded"`))
    const heard = events.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    const ofTask = heard.filter(({ uuid }) => uuid === id)

    expect(ofTask.map(({ type }) => type)).to.deep.equal(['task-received', 'task-started', 'task-succeeded'])
    expect(ofTask[0]).to.include({ name: 'py.add', args: '(20, 22)', hostname: NODE })
    expect(ofTask[2]).to.include({ result: '42' })
    expect(heard.find(({ type }) => type === 'worker-heartbeat')).to.include({ hostname: NODE, sw_ident: 'py-celery' })
    expect(await ours('control', 'disable-events')).to.deep.equal({ ok: 'task events disabled' })
  })

  it('control revokes what waits, and terminates what runs', async () => {
    expect(await ours('control', 'revoke', scheduled)).to.deep.equal({ ok: `tasks ${scheduled} flagged as revoked` })
    expect(await ours('inspect', 'revoked')).to.deep.equal([scheduled])
    expect(await ours('control', 'revoke', active, '--terminate')).to.deep.equal({ ok: `terminate: ${active}` })
    expect(await scene.app.result(active).wait({ timeout: 10 })).to.equal('REVOKED')
  })

  it('control shutdown ends it', async () => {
    const shutdown = scene.tasks(['control', 'shutdown', '-d', NODE, '--yes', '--json'])

    expect(await shutdown.closed, shutdown.lines.join('\n')).to.equal(0)
    expect(await worker.closed, worker.lines.join('\n')).to.equal(0)
    expect(worker.lines.join('\n')).to.contain('Got shutdown from remote')
  })
})

function isError(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'error' in answer
}

/** Celery writes settings of some kinds in the order of a set. */
function unordered(value: unknown): unknown {
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? [...value].sort() : value
}
