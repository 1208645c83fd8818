/** Names, errors and values come from whoever may send: nothing of them may move the cursor, write a title or a link, or turn a line around. */
import { expect } from 'chai'
import { redisUrl } from '../setup/servers.js'
import { aTaskProject, type TaskProject } from './a-project.js'
import type { Ended } from './run-tasks.js'

/** Colour, OSC 8 and 52, a C1 introducer, carriage return, backspace, bell, delete, bidi override, zero width. */
const HOSTILE = 'x\x1b[31m\x1b]8;;http://evil\x1b\\\x1b]52;c;ZQ==\x07\x9b2J\rnew\b\x7f\u202ekcab\u200b'
/** What a terminal would obey, and what it would not show. */
const OBEYED = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/

for (const server of ['SQLite', 'Redis'] as const) {
  describe(`hostile text on ${server}`, function () {
    this.timeout(90_000)

    // A line break in the name of a queue or a node is refused.
    const oneLine = HOSTILE.replace('\r', '')
    const queue = `q${oneLine}`
    let project: TaskProject
    let worker: Ended
    const ids: string[] = []
    before(async function () {
      const settings = { taskQueues: ['celery', queue], ...(server === 'Redis' && { brokerUrl: await redisUrl(this) }) }
      project = aTaskProject(settings)
      const { client } = project
      const sent = [
        await client.send('t.fail', [HOSTILE, `Error${HOSTILE}`]),
        await client.send('t.add', [HOSTILE, HOSTILE]),
        await client.send(`t.${HOSTILE}`, [HOSTILE], { queue }),
      ]
      ids.push(...sent.map(({ id }) => id))
      worker = await project.tasks(['worker', '--once', '--log-format', 'text', '--log-level', 'debug', '-n', `n${oneLine}@h`])
      await client.send('t.add', [1, 1], { queue })
    })
    after(() => project.remove())

    const letterId = async () => (JSON.parse((await project.tasks('dead list --json')).stdout) as { id: string }[])[0]!.id

    it('does nothing to a terminal, in banner, log, tables, values, errors and questions', async () => {
      const lines: (string | readonly string[])[] = [
        ...ids.map((id) => `result ${id} --traceback`),
        ...ids.map((id) => `result ${id} --follow`),
        'queues',
        'purge',
        'purge --dry-run',
        'dead list',
        `dead show ${await letterId()}`,
        'dead drop --all',
      ]

      const ends = await Promise.all(lines.map((line) => project.tasks(line)))

      expectHarmless([...lines, 'worker'], [...ends, worker])
    })

    // What is shown is the same on both.
    const once = server === 'SQLite' ? it : () => {}
    once('does nothing to a terminal when workers are asked, when events and what a monitor captured are shown', async () => {
      const monitor = project.start('monitor --log-format text --freq 100ms')
      const events = project.start('events')
      const dump = project.start('events --dump')
      const live = project.start([
        'worker',
        '--log-format',
        'text',
        '-E',
        '-c',
        '1',
        '-n',
        `live${oneLine}@h`,
        '-Q',
        `celery,slow,${queue}`,
      ])
      await live.said(/ready\./)
      const failed = await project.client.send('t.fail', [HOSTILE, `Error${HOSTILE}`])
      await live.said(/raised/)
      const running = await project.client.send('t.until', [`/nowhere/${HOSTILE}`])
      const waiting = await project.client.send('t.add', [HOSTILE, HOSTILE])
      await project.client.send('t.add', [HOSTILE, HOSTILE], { countdown: 600 })
      await events.said(/task-failed|failed/)
      const lines: (string | readonly string[])[] = [
        ...['active', 'reserved', 'scheduled', 'registered', 'active-queues', 'stats', 'conf', 'report', 'revoked', 'clock', 'ping'].map(
          (question) => `inspect ${question}`,
        ),
        `inspect query-task ${running.id} ${waiting.id}`,
        'status',
        ['control', 'revoke', HOSTILE],
        ['control', 'rate-limit', `t.${HOSTILE}`, '1/s'],
        ['control', 'add-consumer', `z${oneLine}`],
        ['inspect', 'ping', '-d', `nobody${oneLine}@h`, '-t', '300ms'],
        'top --once --no-ui',
        'queues',
        'history',
        `history --errors`,
        ['history', '--search', HOSTILE],
        `show ${failed.id}`,
        ['show', HOSTILE],
        ['schedule', 'add', `s${oneLine}`, '--task', `t.${HOSTILE}`, '--every', '1h', '--args', JSON.stringify([HOSTILE])],
        'schedule list',
        ['schedule', 'next', `s${oneLine}`],
        ['schedule', 'why-not', `s${oneLine}`],
      ]

      const ends: Ended[] = []
      while (ends.length < lines.length)
        ends.push(...(await Promise.all(lines.slice(ends.length, ends.length + 4).map((line) => project.tasks(line)))))
      for (const command of [monitor, events, dump, live]) ends.push(await command.stop(command === live ? 'SIGQUIT' : 'SIGTERM'))

      await (await project.client.broker()).queues.purge('celery')

      expectHarmless([...lines, 'monitor', 'events', 'events --dump', 'worker'], ends)
    })

    it('is the same text in JSON, written so that a terminal does nothing either', async () => {
      const [fail, add, queues, dead, log] = await Promise.all([
        project.tasks(`result ${ids[0]} --json`),
        project.tasks(`result ${ids[1]} --follow --json`),
        project.tasks('queues --json'),
        project.tasks('dead list --json'),
        project.tasks(['worker', '--once', '-n', `n${oneLine}@h`, '-Q', 'celery']),
      ])

      for (const { stdout, stderr } of [fail, add, queues, dead, log]) expect(OBEYED.exec(stdout + stderr)).equal(null)
      expect(JSON.parse(fail.stdout)).nested.include({ 'error.message': HOSTILE })
      expect(JSON.parse(add.stdout)).include({ value: HOSTILE + HOSTILE })
      expect((JSON.parse(queues.stdout) as { queue: string }[]).map((one) => one.queue)).include(queue)
      const letters = JSON.parse(dead.stdout) as { queue: string; task: string }[]
      expect(letters.find((one) => one.queue === queue)).include({ task: `t.${HOSTILE}` })
      expect(JSON.parse(log.stderr.split('\n')[0]!))
        .property('msg')
        .contain(oneLine)
    })
  })
}

describe('hostile text on the command line', function () {
  this.timeout(30_000)

  it('does nothing to a terminal either', async () => {
    const project = aTaskProject()
    try {
      const lines: (string | readonly string[])[] = [
        ['call', `t.${HOSTILE}`],
        ['call', 't.add', '--queue', HOSTILE],
        ['call', 't.add', '--args', HOSTILE],
        ['result', HOSTILE],
        ['dead', 'show', HOSTILE],
        ['queues', '-Q', HOSTILE],
        ['config', HOSTILE],
        ['-A', HOSTILE, 'list'],
        ['worker', `--${HOSTILE}`],
        ['--config', HOSTILE, 'config'],
        ['-b', `redis://${HOSTILE}`, 'queues'],
        [HOSTILE],
      ]

      expectHarmless(lines, await Promise.all(lines.map((line) => project.tasks(line))))
    } finally {
      await project.remove()
    }
  })
})

function expectHarmless(lines: readonly (string | readonly string[])[], ends: readonly Ended[]): void {
  for (const [at, { stdout, stderr }] of ends.entries()) {
    const text = stdout + stderr
    expect(OBEYED.exec(text), `${JSON.stringify(lines[at])}: ${JSON.stringify(text)}`).equal(null)
  }
  const visible = ends.filter(({ stdout, stderr }) => (stdout + stderr).includes('\\x1b[31m') || (stdout + stderr).includes('\\u001b[31m'))
  expect(visible.length, 'it is there, and visible').greaterThan(6)
}
