/** A Python worker, with mingle, gossip and heartbeats as it has them by itself, and one of ours on the same broker. */
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { eventually } from '../eventually.js'
import type { CeleryCommand } from './celery-command.js'
import type { Process } from './process.js'
import { Scene } from './scene.js'

const [OURS, THEIRS] = ['ours@interop', 'py@interop']

describe('a fleet of Python and Node workers', function () {
  this.timeout(60_000)
  /** Revoked before the Python worker starts. */
  const early = randomUUID()
  let scene: Scene
  let celery: CeleryCommand
  let ours: Process
  let theirs: Process

  before(async function () {
    scene = await Scene.open(this)
    ;[celery, ours] = await Promise.all([scene.celeryCommand(), scene.nodeWorker({ queues: ['node'], name: OURS })])
    await eventually(async () => (await celery.run('control', '-t', '0.3', '-d', OURS, 'revoke', early)).code === 0, 20)
    theirs = await scene.pythonWorker(['py'], { isSociable: true, flags: ['-P', 'threads', '-c', '1', '-l', 'DEBUG'] })
    await theirs.said(/mingle: sync complete|mingle: all alone/)
  })
  after(() => scene?.close())

  const json = async (...words: readonly string[]) => {
    const process = scene.tasks([...words, '-t', '3', '--json'])
    await process.closed
    return JSON.parse(process.lines.join('\n')) as Readonly<Record<string, Readonly<Record<string, unknown>>>>
  }

  it('the Python worker finds ours when it starts, and learns from it what is revoked', async () => {
    expect(theirs.lines.join('\n')).to.contain('mingle: sync with 1 nodes')
    expect(await celery.json('inspect', '-t', '10', '-d', THEIRS, 'revoked')).to.deep.equal({ [THEIRS]: [early] })
  })

  it('the Python worker hears the heartbeats of ours', async () => {
    await theirs.said(new RegExp(`${OURS} joined the party`))
  })

  it('celery inspect ping and celery status list both', async () => {
    const [ping, status] = await Promise.all([celery.json('inspect', '-t', '3', 'ping'), celery.run('status', '-t', '3')])

    expect(ping).to.deep.equal({ [OURS]: { ok: 'pong' }, [THEIRS]: { ok: 'pong' } })
    expect(status.stdout).to.match(/2 nodes online\.\n$/)
    expect(status.stdout).to.contain(`->  ${OURS}: OK\n`).and.to.contain(`->  ${THEIRS}: OK\n`)
  })

  it('tasks status lists both, and a pattern chooses', async () => {
    const [all, some] = await Promise.all([json('status'), json('inspect', 'ping', '--pattern', 'py@*')])

    expect(all).to.have.all.keys(OURS, THEIRS)
    expect(all[OURS]).to.include({ ok: 'pong', state: 'online', concurrency: 4 })
    expect(all[THEIRS]).to.include({ ok: 'pong', state: 'online' })
    expect(Object.keys(some)).to.deep.equal([THEIRS])
  })

  it('tasks control revoke and celery control revoke reach both', async () => {
    const [one, two] = [randomUUID(), randomUUID()]

    const [told, alsoTold] = await Promise.all([json('control', 'revoke', one), celery.json('control', '-t', '3', 'revoke', two)])
    expect(told).to.have.all.keys(OURS, THEIRS)
    expect(alsoTold).to.have.all.keys(OURS, THEIRS)
    const revoked = (await celery.json('inspect', '-t', '3', 'revoked')) as Readonly<Record<string, readonly string[]>>
    for (const node of [OURS, THEIRS]) expect(revoked[node], node).to.have.members([early, one, two])
  })

  it('a revoked task is run by neither', async () => {
    const [forNode, forPython] = [randomUUID(), randomUUID()]
    await json('control', 'revoke', forNode, forPython)

    const results = await Promise.all([
      scene.app.send('both.record', ['never'], { queue: 'node', taskId: forNode }),
      scene.app.send('both.record', ['never'], { queue: 'py', taskId: forPython }),
    ])
    for (const result of results) expect(await result.wait({ timeout: 10 })).to.equal('REVOKED')
    expect(scene.ledger()).to.deep.equal([])
  })

  it('the Python worker sees ours leave, and neither has logged an error', async () => {
    expect(await ours.stop()).to.equal(0)
    expect(Object.keys(await celery.json('inspect', '-t', '1', 'ping'))).to.deep.equal([THEIRS])
    await theirs.stop()

    for (const { lines } of [ours, theirs])
      expect(lines.filter((line) => /: (ERROR|CRITICAL)|^Traceback|missed heartbeat/.test(line))).to.deep.equal([])
  })
})
