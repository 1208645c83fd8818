/** A worker of ours whose tasks never let its event loop turn: Celery's questions are answered by its keeper. */
import { expect } from 'chai'
import { eventually } from '../eventually.js'
import type { CeleryCommand } from './celery-command.js'
import { Scene } from './scene.js'
import { expectShape } from './shape.js'

const NODE = 'ours@interop'
const SLOTS = 4
const QUESTIONS = ['ping', 'active', 'stats'] as const

describe('a worker of ours whose tasks block the event loop, asked by celery', function () {
  this.timeout(60_000)
  let scene: Scene
  let celery: CeleryCommand
  /** Milliseconds that the questions take before it is blocked. */
  let normal: readonly number[]

  before(async function () {
    scene = await Scene.open(this)
    ;[celery] = await Promise.all([scene.celeryCommand(), scene.nodeWorker({ queues: ['node'], concurrency: SLOTS, name: NODE })])
    await eventually(async () => (await celery.run('inspect', '-t', '0.3', '-d', NODE, 'ping')).code === 0, 20)
    normal = await spans()
    await Promise.all(Array.from({ length: SLOTS }, () => scene.app.send('kuma.block', ['gate'], { queue: 'node' })))
    await scene.noted('node gate begins')
  })
  after(async () => {
    scene?.openGate('gate')
    await scene?.close()
  })

  const inspect = async (question: string) => (await celery.json('inspect', '-t', '10', '-d', NODE, question))[NODE]

  /** Of each question: milliseconds from the start of the command to its end, the best of three, for this machine does other things too. */
  async function spans(): Promise<readonly number[]> {
    const best: number[] = []
    for (const question of QUESTIONS) {
      const tries: number[] = []
      for (let at = 0; at < 3; at++) {
        const began = performance.now()
        await inspect(question)
        tries.push(performance.now() - began)
      }
      best.push(Math.min(...tries))
    }
    return best
  }

  it('ping, active and stats have the captured shapes, and tell what blocks', async () => {
    const [ping, active, stats] = await Promise.all(QUESTIONS.map(inspect))

    expect(ping).to.deep.equal({ ok: 'pong' })
    expectShape(active, 'active-nonempty')
    expect(active).to.have.nested.property('[0].name', 'kuma.block')
    expectShape(stats, 'stats', ['celerity'])
    expect(stats).to.have.nested.property('pool.max-concurrency', SLOTS)
  })

  it('ping, active and stats take hardly longer than before', async () => {
    const blocked = await spans()

    blocked.forEach((span, at) => {
      expect(span - (normal[at] ?? 0), QUESTIONS[at]).to.be.lessThan(1000)
    })
  })

  it('the other questions are answered too', async () => {
    expectShape(await inspect('registered'), 'registered')
    expectShape(await inspect('active_queues'), 'active_queues')
    expectShape(await inspect('clock'), 'clock')
    expectShape(await inspect('report'), 'report')
    expect(await inspect('conf')).to.include({ broker_url: scene.url })
    expect(await inspect('revoked')).to.deep.equal([])
    expect(await inspect('scheduled')).to.deep.equal([])
  })

  it('when the loop turns again, its own answers come again', async () => {
    scene.openGate('gate')
    await eventually(async () => ((await inspect('active')) as readonly unknown[]).length === 0, 20)

    expect(await inspect('stats')).to.have.nested.property('total.kuma\\.block', SLOTS)
  })
})
