/** Passwords are in URLs, and URLs are in settings, errors, logs and lists of processes. None may come out anywhere. */
import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { type RedisServer, startRedis } from '../setup/servers.js'
import { aTaskProject, type TaskProject } from './a-project.js'
import type { Ended } from './run-tasks.js'

const CANARY = 'hunter2canary'

describe('a password', function () {
  this.timeout(60_000)

  let redis: RedisServer
  let project: TaskProject
  before(async function () {
    redis = await startRedis(this, { args: ['--requirepass', CANARY] })
    project = aTaskProject(
      { brokerUrl: `redis://default:${CANARY}@127.0.0.1:${redis.port}/0`, resultBackend: `redis://:${CANARY}@127.0.0.1:${redis.port}/1` },
      {
        'broken.yaml': `brokerUrl: redis://:${CANARY}@h/0\n  wrong: [indentation`,
        'bare.yaml': `secret: ${CANARY}\n  wrong: [indentation`,
        'broken.json': `{ "brokerUrl": "redis://:${CANARY}@h/0" oops }`,
        'unknown.yaml': `brokerUlr: redis://:${CANARY}@h/0`,
        'app.mjs': `throw new Error('cannot connect to postgres://app:${CANARY}@db/app')`,
      },
    )
  })
  after(async () => {
    await project?.remove()
    await redis?.stop()
  })

  it('is in no output of any command, whatever is wrong and however much is logged', async () => {
    const away = `redis://u:${CANARY}@127.0.0.1:1/0`
    const wrong = `redis://default:not-${CANARY}@127.0.0.1:${redis.port}/0`
    const failing = await project.client.send('t.fail', [`redis://u:${CANARY}@h refused`])
    const workers = [await project.tasks('worker --once --log-format text -l debug'), await project.tasks('worker --once -l debug')]
    const cases: [line: string, env?: Readonly<Record<string, string>>][] = [
      ['call t.add --wait --timeout 50ms'],
      ['list'],
      ['queues'],
      ['purge'],
      ['purge --yes --json'],
      ['dead list'],
      ['config'],
      ['config --json'],
      ['config brokerUrl', { TASKS_BROKER_URL: `amqp://u:${CANARY}@h//`, BROKER_URL: `sqlite:/x?password=${CANARY}` }],
      ['config check'],
      ['config check', { TASKS_BROKER_URL: `//u:${CANARY}@h` }],
      ['config check', { TASKS_BROKER_URL: `u:${CANARY}@h` }],
      ['config check', { TASKS_RESULT_BACKEND: `ftp://u:${CANARY}@h` }],
      ['config check --config broken.yaml'],
      ['config check --config bare.yaml'],
      ['config check --config broken.json --json'],
      ['config check --config unknown.yaml'],
      ['config check -A app.mjs'],
      ['report'],
      ['report --json', { TASKS_BROKER_URL: away }],
      ['report', { TASKS_BROKER_URL: wrong }],
      ['queues', { TASKS_BROKER_URL: away }],
      ['queues --json', { TASKS_BROKER_URL: wrong }],
      ['call t.add', { TASKS_BROKER_URL: away, TASKS_PUBLISH_DEADLINE: '100ms' }],
      ['result some-id', { TASKS_RESULT_BACKEND: away }],
      ['worker', { TASKS_BROKER_URL: `redis://u:${CANARY}@h:x/0` }],
      ['worker', { TASKS_BROKER_URL: `kafka://u:${CANARY}@h` }],
      [`queues -b ${away}`],
      [`worker -b redis://u:${CANARY}@h:x/0 --result-backend redis://:${CANARY}@h`],
      [`-b nonsense://u:${CANARY}@h config check`],
    ]

    const ends = await Promise.all(
      cases.map(([line, env = {}]) => project.tasks(`${line} --log-level debug`, { env: { TASKS_BROKER_DEADLINE: '300ms', ...env } })),
    )

    for (const [at, { stdout, stderr }] of [...ends, ...workers].entries()) {
      expect(stdout + stderr, cases[at]?.[0] ?? 'worker').not.contain(CANARY)
    }
    expect(ends.filter(({ stdout, stderr }) => (stdout + stderr).includes(':********@')).length, 'it was there to be masked').greaterThan(
      15,
    )
    expect(await failing.state(), 'the worker ran it, and logged its error').equal('FAILURE')
  })

  it('is in no answer of a worker, no event, nothing that a monitor captured, and nothing that lies at the broker', async () => {
    const env = { TASKS_MONITOR_STORE: 'sqlite:monitor.db', MY_SECRET_TOKEN: CANARY, DATABASE_URL: `postgres://app:${CANARY}@db/app` }
    const monitor = project.start('monitor --log-format text -l debug --freq 100ms', { env })
    const events = project.start('events --json', { env })
    const worker = project.start('worker --log-format text -l debug -E', { env })
    await worker.said(/ ready\./)
    await project.client.send('t.add', [1, 2])
    await worker.said(/succeeded/)
    const store = `postgres://u:${CANARY}@127.0.0.1:1/x?sslmode=disable`
    const lines = [
      ...['conf', 'conf --defaults', 'report', 'stats', 'active', 'registered', 'ping'].flatMap((one) => [
        `inspect ${one}`,
        `inspect ${one} --json`,
      ]),
      'status --json',
      'control heartbeat --json',
      'top --once --json',
      'history --json',
      `history --store ${store}`,
      `monitor --once --store ${store}`,
      `monitor --once --store nonsense://u:${CANARY}@h`,
      'beat --once -l debug',
      'schedule list --json',
    ]

    const ends: Ended[] = []
    while (ends.length < lines.length) {
      const next = lines.slice(ends.length, ends.length + 4)
      ends.push(...(await Promise.all(next.map((line) => project.tasks(line, { env: { TASKS_BROKER_DEADLINE: '500ms', ...env } })))))
    }
    const known = JSON.stringify(await (await project.client.broker()).workers())
    for (const command of [monitor, events, worker]) ends.push(await command.stop())

    for (const [at, { stdout, stderr }] of ends.entries()) expect(stdout + stderr, lines[at] ?? 'what ran beside').not.contain(CANARY)
    expect(known).not.contain(CANARY)
    expect(ends[0]!.stdout, 'it was there to be masked').contain('********')
    expect(readFileSync(project.path('monitor.db')).includes(CANARY)).equal(false)
  })

  it('on the command line is warned of, and covered in the list of processes', async () => {
    const url = `redis://default:${CANARY}@127.0.0.1:${redis.port}/2`
    const worker = project.start(`worker --log-format text --broker ${url}`)
    await worker.said(/ ready\./)

    expect(worker.stderr).match(/^Warning: --broker: a password on a command line can be read by others/)
    expect(worker.stderr).match(/^ {2}broker: +redis:\/\/default:\*{8}@127/m)
    const words = `/proc/${worker.pid}/cmdline`
    if (existsSync(words)) expect(readFileSync(words, 'utf8')).contain('tasks worker').contain('default:********@').not.contain(CANARY)
    expect((await worker.stop()).code).equal(0)
    expect(worker.stderr).not.contain(CANARY)
  })

  it('that is none is not warned of', async () => {
    const { stderr } = await project.tasks(`config brokerUrl -b redis://127.0.0.1:${redis.port}/2`)

    expect(stderr).not.contain('Warning')
  })
})
