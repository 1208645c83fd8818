import { expect } from 'chai'
import { eventually } from '../eventually.js'
import type { Process } from './process.js'
import { Scene } from './scene.js'

interface Printed {
  readonly code: number | string
  /** What each worker said, in the order of their names; what else was printed last. */
  readonly blocks: readonly string[]
}

describe('asking workers with celery and with tasks', function () {
  this.timeout(120_000)
  let scene: Scene

  before(async function () {
    scene = await Scene.open(this)
    await Promise.all([
      scene.pythonWorker(['asked'], { flags: ['-P', 'threads', '-c', '1'] }),
      scene.nodeWorker({ queues: ['node'], concurrency: 1, prefetchMultiplier: 4 }),
    ])
    for (const [task, queue] of [
      ['py.hold', 'asked'],
      ['kuma.hold', 'node'],
    ] as const) {
      await scene.app.send(task, [`${queue}-gate`], { queue })
    }
    await Promise.all(['python asked-gate begins', 'node node-gate begins'].map((line) => scene.noted(line)))
    await scene.app.send('py.add', [1, 'it\'s "so"'], { queue: 'asked', countdown: 600 })
    await scene.app.send('py.add', [2, 3], { queue: 'asked' })
    await scene.app.send('kuma.add', [2, 3], { queue: 'node' })
    await eventually(async () => (await held()).every((count) => count > 0), 20)
  })
  after(async () => {
    for (const queue of ['asked', 'node']) scene?.openGate(`${queue}-gate`)
    await scene?.close()
  })

  /** Messages that each worker holds and has not started. */
  const held = async () => {
    const answer = scene.tasks(['inspect', 'reserved', '--json'])
    await answer.closed
    return Object.values(JSON.parse(answer.lines.join('\n')) as Record<string, readonly unknown[]>).map(({ length }) => length)
  }

  /** Prints of both, of the same moment nearly. */
  const both = async (...words: readonly string[]) => {
    const [theirs, ours] = await Promise.all([printed(scene.celery(['-C', ...words])), printed(scene.tasks(words))])
    return { theirs, ours }
  }

  const questions = [
    ...['ping', 'active', 'reserved', 'scheduled', 'revoked', 'registered', 'stats', 'active_queues', 'conf', 'clock', 'report'],
    ...['query_task unknown', 'registered rate_limit ignore_result', 'memsample'],
  ]
  for (const question of questions) {
    it(`inspect ${question} prints the same`, async () => {
      const { theirs, ours } = await both('inspect', ...question.split(' '))

      expect(ours).deep.equal(theirs)
      expect(ours.code).equal(0)
      expect(ours.blocks).length(3)
    })
  }

  it('status prints the same lines, and more of ours', async () => {
    const { theirs, ours } = await both('status')

    expect(ours.code).equal(theirs.code)
    expect(ours.blocks.slice(0, 2).map((block) => block.split('\n')[0])).deep.equal(theirs.blocks.slice(0, 2))
    expect(ours.blocks.at(-1)).equal(theirs.blocks.at(-1))
  })

  const changes = [
    ...['revoke nobody', 'time_limit both.hold 10 20', 'rate_limit both.hold 10/m', 'add_consumer more', 'cancel_consumer more'],
  ]
  for (const change of changes) {
    it(`control ${change} prints the same`, async () => {
      const { theirs, ours } = await both('control', ...change.split(' '))

      expect(ours).deep.equal(theirs)
    })
  }

  it('errors of workers are printed the same; tasks ends with 1 where celery ends with 0', async () => {
    for (const change of ['autoscale 3 1', 'rate_limit no.such 10/m', 'pool_restart', 'pool_grow 1', 'disable_events', 'heartbeat']) {
      const { theirs, ours } = await both('control', ...change.split(' '))

      expect(ours.blocks, change).deep.equal(theirs.blocks)
      expect([theirs.code, ours.code], change).deep.equal([0, 1])
    }
  })

  it('nobody answers: 69 from both', async () => {
    const { theirs, ours } = await both('inspect', 'ping', '-d', 'nobody@x')

    expect([theirs.code, ours.code]).deep.equal([69, 69])
  })
})

async function printed(process: Process): Promise<Printed> {
  const code = await process.closed
  const [, ...blocks] = `\n${process.lines.join('\n')}`.split(/\n(?=-> |\n\d+ nodes? online)/)
  const [count, nodes] = [blocks.filter((block) => !block.startsWith('->')), blocks.filter((block) => block.startsWith('->'))]
  return { code, blocks: [...nodes.map(unchanging).sort(), ...count] }
}

/** Without what is another number at another moment, or another order in each answer. */
function unchanging(block: string): string {
  return block
    .replace(/"(clock|uptime|utime|stime|\w*flt|n?i?vcsw|maxrss|inblock|oublock|total|raw|avg|all)": "?[\d.]+"?/g, '"$1": …')
    .replace(/'time_start': [\d.]+/g, "'time_start': …")
    .replace(/(\d)\.0(?=,?$)/gm, '$1') // to JavaScript it is the whole number
    .replace(/\d[\d.]*(?=MB)/, '…')
    .replace(/ \((?:'[\w.]+'(?:, )?)+\)$/gm, (list) =>
      list
        .split(/[ (),]+/)
        .sort()
        .join(' '),
    )
}
