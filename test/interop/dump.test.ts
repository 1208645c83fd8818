import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { SomeEvents } from '../commands/some-events.js'
import { eventually } from '../eventually.js'
import type { Process } from './process.js'
import { Scene } from './scene.js'

describe('the dump of events', function () {
  this.timeout(60_000)
  let scene: Scene

  before(async function () {
    scene = await Scene.open(this)
  })
  after(() => scene?.close())

  it("has the lines of Celery's own, for events of a Python worker and for ours", async () => {
    const [theirs, ours] = [scene.celery(['events', '--dump']), scene.tasks(['events', '--dump'])]
    await Promise.all([theirs, ours].map((dump) => dump.said(/evdump: starting capture/)))
    const events = new SomeEvents(await scene.broker())
    await eventually(async () => {
      await events.heartbeat(0, 1)
      return [theirs, ours].every((dump) => dump.lines.some((line) => line.includes(' heartbeat: ')))
    }, 20)
    await scene.pythonWorker(['dumped'], { flags: ['-E'] })
    await scene.app.send('py.add', [2, 3], { queue: 'dumped' })
    await scene.app.send('py.fail', ['ValueError', 'x'], { queue: 'dumped' })
    const uuid = await events.start('ours.task', { eta: null, expires: '2030-01-02T03:04:05+00:00' })
    await events.send(
      { type: 'task-revoked', uuid, terminated: true, signum: 15, expired: false },
      { type: 'task-revoked', uuid: randomUUID() },
    )
    await events.send({ type: 'worker-offline', freq: 2.5, active: 0, processed: 3, loadavg: [1.5, 2.5, 0.25] })
    await Promise.all([theirs, ours].map((dump) => dump.said(/w1@test .* shutdown: /)))
    const seen = (dump: Process) => ['task failed', 'task succeeded'].every((text) => dump.lines.some((line) => line.includes(text)))
    await eventually(() => seen(theirs) && seen(ours), 20)

    const told = taskLines(ours)
    expect(told.length).greaterThan(8)
    expect(told).deep.equal(taskLines(theirs))
  })
})

/** All but the first heartbeats, without what differs by nature: when it was heard, and the zone that Celery 5.2 did not write. */
function taskLines({ lines }: Process): readonly string[] {
  const from = lines.findIndex((line) => line.includes(' task '))
  return lines
    .slice(from)
    .filter((line) => !line.includes(' heartbeat: '))
    .map((line) => line.replace(/local_received=[\d.]+/, 'local_received=…').replace(/\+00:00\] /, '] '))
}
