import { expect } from 'chai'
import type { WorkerState } from '../../src/control/worker-state.js'
import { eventually } from '../eventually.js'
import { redisUrl } from '../setup/servers.js'
import { aTaskProject, type TaskProject } from './a-project.js'
import type { RunningTasks } from './run-tasks.js'

const NODE = 'w@here'
const WORKER = `worker -c 2 -n ${NODE} --log-format text`

for (const server of ['SQLite', 'Redis'] as const) {
  describe(`tasks inspect, control and status, on ${server}`, function () {
    this.timeout(60_000)

    let project: TaskProject
    let worker: RunningTasks
    before(async function () {
      project = aTaskProject(server === 'Redis' ? { brokerUrl: await redisUrl(this) } : {})
      worker = project.start(WORKER)
      await worker.said(/ ready\./)
    })
    after(() => project?.remove())

    /** What the worker says to it, and that it said nothing else. */
    const asked = async (line: string): Promise<unknown> => {
      const { code, stdout, stderr } = await project.tasks(`${line} --json`)
      expect({ code, stderr }, line).deep.equal({ code: 0, stderr: '' })
      const answers = JSON.parse(stdout) as Record<string, unknown>
      expect(Object.keys(answers), line).deep.equal([NODE])
      return answers[NODE]
    }

    it('prints answers as Celery does, and how many there are', async () => {
      const [ping, reserved, clock, status] = await Promise.all(
        ['inspect ping', 'inspect reserved', 'inspect clock', 'status'].map((line) => project.tasks(line)),
      )

      expect(ping).deep.equal({ code: 0, stdout: `->  ${NODE}: OK\n        pong\n\n1 node online.\n`, stderr: '' })
      expect(reserved!.stdout).equal(`->  ${NODE}: OK\n    - empty -\n\n1 node online.\n`)
      expect(clock!.stdout).match(/^-> {2}w@here: OK\n {4}\{\n {8}"clock": \d+\n {4}\}\n\n1 node online\.\n$/)
      expect(status!.stdout).match(
        /^-> {2}w@here: OK\n\nWORKER +STATE .*\nw@here +online +0\/2 +\d+ +celery,slow .* ago\n\n1 node online\.\n$/,
      )
    })

    it('asks everything there is to ask', async () => {
      const running = await project.client.send('t.until', [project.path('never')], { queue: 'slow' })
      await eventually(async () => (await running.state()) === 'STARTED' || ((await asked('inspect active')) as unknown[]).length > 0)

      const [info] = (await asked('inspect active')) as Record<string, unknown>[]
      expect(info).include({ id: running.id, name: 't.until', hostname: NODE })
      expect(await asked('inspect scheduled')).deep.equal([])
      expect(await asked('inspect registered rate_limit'))
        .include('t.values [rate_limit=10/s]')
        .include('t.add')
      expect(await asked('inspect stats')).nested.include({ 'pool.max-concurrency': 2, pid: worker.pid })
      expect(((await asked('inspect active-queues')) as { name: string }[]).map(({ name }) => name)).deep.equal(['celery', 'slow'])
      expect(await asked('inspect conf')).an('object')
      expect(await asked('inspect report'))
        .property('ok')
        .match(/celerity/)
      expect(await asked(`inspect query-task ${running.id} unknown`))
        .property(running.id)
        .property('0', 'active')
      expect(await asked('inspect memory')).match(/MB|kB/)
      expect(await asked('inspect revoked')).not.include(running.id)

      expect(await asked(`control revoke ${running.id} --terminate`)).deep.equal({ ok: `terminate: ${running.id}` })
      expect(await running.wait({ timeout: 10 })).equal('REVOKED')
      expect(await asked('inspect revoked')).include(running.id)
    })

    it('revokes what no worker has taken yet', async () => {
      await project.client.send('t.add', [1, 1], { queue: 'elsewhere', taskId: 'early' })

      expect(await asked('control revoke early')).deep.equal({ ok: "tasks {'early'} flagged as revoked" })
      await asked('control add-consumer elsewhere')

      expect(await project.client.result('early').wait({ timeout: 10 })).equal('REVOKED')
    })

    // What does not depend on the broker is shown on one of them.
    if (server !== 'SQLite') return

    it('changes what there is to change', async () => {
      const changes: [line: string, says: object][] = [
        ['rate-limit t.add 10/m', { ok: 'new rate limit set successfully' }],
        ['rate-limit t.add none', { ok: 'rate limit disabled successfully' }],
        ['time-limit t.add 10 20', { ok: 'time limits set successfully' }],
        ['pool-grow 2', { ok: 'pool will grow' }],
        ['pool-shrink 2', { ok: 'pool will shrink' }],
        ['add-consumer other', { ok: 'add consumer other' }],
        ['cancel-consumer other', { ok: 'no longer consuming from other' }],
        ['enable-events', { ok: 'task events enabled' }],
        ['disable-events', { ok: 'task events disabled' }],
      ]
      for (const [line, says] of changes) expect(await asked(`control ${line}`), line).deep.equal(says)
      expect(await asked('control heartbeat')).equal(null)
    })

    it('takes the spellings of Celery', async () => {
      const [queues, limit, short] = await Promise.all(
        ['inspect active_queues -j', 'control rate_limit t.add 5/s -d w@here', 'inspect query_task x -t 2'].map((line) =>
          project.tasks(line),
        ),
      )

      expect(JSON.parse(queues!.stdout)).property(NODE)
      expect(limit!.stdout).equal(`->  ${NODE}: OK\n        new rate limit set successfully\n`)
      expect(short!.stdout).equal(`->  ${NODE}: OK\n    {}\n\n1 node online.\n`)
    })

    it('shows the error of a worker and ends with 1', async () => {
      const [unknown, pool] = await Promise.all([
        project.tasks('control rate-limit t.nope 1/s'),
        project.tasks('control pool-restart --json'),
      ])

      expect(unknown).deep.equal({ code: 1, stdout: `->  ${NODE}: ERROR\n        unknown task\n`, stderr: '' })
      expect(pool!.code).equal(1)
      expect(JSON.parse(pool!.stdout))
        .nested.property(`${NODE}.error`)
        .match(/not enabled/)
    })

    it('refuses what is no regular expression, and says who can read one that only Python can', async () => {
      const [broken, ahead] = await Promise.all([project.tasks('inspect ping --regex ('), project.tasks('inspect ping --regex (?=w)w')])

      expect(broken).deep.include({ code: 2, stdout: '' })
      expect(broken.stderr).contain('--regex "(" is no regular expression')
      expect(ahead.code).equal(69)
      expect(ahead.stderr).contain('workers of ours do not take this --regex')
    })

    it('asks those that are meant: by name, by glob, by expression; and names who is missing', async () => {
      const [glob, expression, none, missing, all] = await Promise.all([
        project.tasks('inspect ping --pattern w@* --json'),
        project.tasks('inspect ping --regex w@h.re --json'),
        project.tasks('inspect ping --pattern x@* --json'),
        project.tasks(`inspect ping -d ${NODE},w@her -t 3s`),
        project.tasks('inspect ping -d w@her -t 300ms'),
      ])

      for (const { stdout } of [glob, expression]) expect(JSON.parse(stdout)).deep.equal({ [NODE]: { ok: 'pong' } })
      expect(none.code).equal(69)
      expect(missing.code).equal(69)
      expect(missing.stdout).contain(`->  ${NODE}: OK`)
      expect(missing.stderr).equal('Warning: w@her did not answer within 3s, and the broker knows no worker of ours so called\n')
      expect(all).deep.equal({
        code: 69,
        stdout: '',
        stderr: 'Error: No answer from w@her within 300ms\nHint:  Did you mean w@here? `tasks status` lists the workers that are there.\n',
      })
    })
  })
}

describe('tasks inspect, control and status, where nobody answers', function () {
  this.timeout(60_000)

  let project: TaskProject
  beforeEach(() => {
    project = aTaskProject()
  })
  afterEach(() => project.remove())

  it('ends with 69, one line what is wrong and one what to do', async () => {
    const ends = await Promise.all(['inspect ping', 'control enable-events', 'status'].map((line) => project.tasks(`${line} -t 200ms`)))

    for (const { code, stdout, stderr } of ends) {
      expect({ code, stdout }).deep.equal({ code: 69, stdout: '' })
      expect(stderr).match(/^Error: No worker answered within 200ms\nHint: {2}Start one with `tasks worker`\..*\n$/)
    }
  })

  it('records a revocation all the same', async () => {
    const sent = await project.client.send('t.add', [1, 1])

    const { code, stderr } = await project.tasks(`control revoke ${sent.id} -t 200ms`)
    await project.tasks('worker --once')

    expect(code).equal(69)
    expect(stderr).contain('it is recorded at the broker, and workers of ours that take such a task later do not run it')
    expect(await sent.state()).equal('REVOKED')
  })

  it('tells what is known of workers that are silent, and how old that is', async () => {
    const worker = project.start(WORKER)
    await worker.said(/ ready\./)
    const sent = await project.client.send('t.until', [project.path('never')], { queue: 'slow' })
    await eventually(async () => {
      const [{ state = null } = {}] = await (await project.client.broker()).workers()
      const word = JSON.parse(state ?? '{}') as Partial<WorkerState>
      return word.active?.length === 1 && word.answers !== undefined && 'active_queues' in word.answers
    }, 20)
    worker.child.kill('SIGSTOP')

    const [text, queues, json, status] = await Promise.all(
      ['inspect active', 'inspect active-queues', 'inspect active --json', 'status'].map((line) => project.tasks(`${line} -t 300ms`)),
    )
    worker.child.kill('SIGCONT')

    expect(text).include({ code: 69, stdout: '' })
    expect(text!.stderr)
      .match(/^-> {2}w@here: NO ANSWER; .* ago it said:$/m)
      .contain(`t.until[${sent.id}]`)
      .match(/^Error: No worker answered within 300ms\nHint: {2}The broker has it as alive: /m)
    expect(queues!.stderr).contain("* {'name': 'celery'")
    expect(json!.code).equal(69)
    const document = JSON.parse(json!.stdout) as { known: Record<string, { age: number }> }
    expect(document).nested.include({ 'error.code': 'E_NO_REPLY', [`known.${NODE}.alive`]: true, [`known.${NODE}.active[0].id`]: sent.id })
    expect(document.known[NODE]!.age).within(0, 20)
    expect(status).include({ code: 69, stdout: '' })
  })

  it('takes what cannot be meant for a mistake: 2', async () => {
    const lines = [
      'inspect nosuch',
      'inspect ping extra',
      'inspect ping -t soon',
      'inspect ping -t 0',
      'inspect ping -d ,',
      'inspect ping -d a --pattern b',
      'inspect query-task',
      'control rate-limit t.add 10/y',
      'control revoke a --signal KILL',
      'control revoke-by-stamped-headers tenant',
      'control pool-grow many',
    ]
    for (const end of await Promise.all(lines.map((line) => project.tasks(line)))) expect(end).include({ code: 2, stdout: '' })
  })
})

describe('tasks control shutdown', function () {
  this.timeout(60_000)

  let project: TaskProject
  beforeEach(() => {
    project = aTaskProject()
  })
  afterEach(() => project.remove())

  it('tells those that are there, and they stop in order', async () => {
    const workers = [project.start(WORKER), project.start('worker -n other@here --log-format text')]
    for (const worker of workers) await worker.said(/ ready\./)

    const one = await project.tasks('control shutdown -d other@here')
    const all = await project.tasks('control shutdown')

    expect(one).deep.equal({ code: 0, stdout: '->  other@here: OK\n        told to shut down\n', stderr: '' })
    expect(all).include({ code: 0, stdout: `->  ${NODE}: OK\n        told to shut down\n` })
    for (const worker of workers) expect((await worker.ended).code).equal(0)
    expect(await project.tasks('control shutdown -t 200ms')).include({ code: 69, stdout: '' })
  })
})
