/** Tasks that take their process down, among good ones, with real workers that are started again whenever they die. */
import { expect } from 'chai'
import { eventually } from '../eventually.js'
import { redisUrl } from '../setup/servers.js'
import { tell } from '../tell.js'
import { Fleet } from './fleet.js'

const POISON = ['faults.exit', 'faults.abort', 'faults.kill']
const GOOD = Number(process.env['FAULTS_GOOD'] ?? 200)
const LIMIT_SECONDS = 100

describe('poison among good tasks (T3, G6)', function () {
  this.timeout(LIMIT_SECONDS * 1.2 * 1000)
  let onSqlite: Promise<string>

  before(() => {
    onSqlite = played(poisoned, null) // side by side, since both mostly wait
    onSqlite.catch(() => {}) // the test below tells
  })

  it('is a dead letter after three starts, and no other task is condemned or lost: on Redis', async function () {
    tell(await played(poisoned, await redisUrl(this)))
  })

  it('is a dead letter after three starts, and no other task is condemned or lost: on SQLite', async () => {
    tell(await onSqlite)
  })

  it('is not what runs alone in a worker that is frozen', async function () {
    tell(await played(frozen, await redisUrl(this)))
  })
})

/** @param url null: a file in the folder of the fleet */
async function played(scenario: (fleet: Fleet) => Promise<string>, url: string | null): Promise<string> {
  const fleet = new Fleet(url)
  const began = performance.now()
  try {
    return `${await scenario(fleet)}; ${((performance.now() - began) / 1000).toFixed(0)} s`
  } finally {
    await fleet.end()
  }
}

async function poisoned(fleet: Fleet): Promise<string> {
  const { queues } = await fleet.app.broker()
  const good = Array.from({ length: GOOD }, (_, at) => `good-${at}`)
  const calls = good.map((id, at) => ({ id, task: 'faults.good', args: [[0, 5, 20, 100][at % 4]] as readonly unknown[] }))
  for (const [at, task] of POISON.entries()) calls.splice(Math.floor((at + 0.5) * (GOOD / 3)), 0, { id: task, task, args: [] })
  for (const { id, task, args } of calls) await fleet.app.send(task, [...args], { taskId: id })
  fleet.start('first')
  fleet.start('second')

  const letters = await eventually(async () => (await fleet.isDone([...good, ...POISON])) && queues.dead('celery', 0, 1_000), LIMIT_SECONDS)

  expect(letters.map(({ reason }) => reason)).to.deep.equal(POISON.map(() => 'delivery-limit'))
  expect(await fleet.states(POISON)).to.deep.equal(POISON.map(() => 'FAILURE WorkerLostError'))
  const states = await fleet.states(good)
  expect(good.filter((_, at) => states[at] !== 'success')).to.deep.equal([])
  const starts = fleet.starts()
  for (const id of POISON) expect(starts.get(id), id).to.be.within(1, 3)
  expect(fleet.deaths).to.be.at.most(3 * POISON.length)
  const again = good.reduce((sum, id) => sum + (starts.get(id) ?? 0) - 1, 0)
  return `${GOOD} good tasks, ${POISON.length} that kill: ${fleet.deaths} deaths, 0 condemned wrongly, ${again} good ones started again`
}

/** Killed twice from outside, and frozen for longer than the lease when it runs alone: by then it is a suspect, and yet not proven. */
async function frozen(fleet: Fleet): Promise<string> {
  const { queues } = await fleet.app.broker()
  await fleet.app.send('faults.good', [2_000], { taskId: 'unlucky' })
  const started = (times: number) => eventually(() => fleet.starts().get('unlucky') === times, LIMIT_SECONDS)
  const worker = fleet.start('first')
  for (let death = 1; death <= 2; death++) {
    await started(death)
    fleet.alive('first').signal('SIGKILL')
  }
  await started(3)
  const alone = fleet.alive('first')
  alone.signal('SIGSTOP')
  fleet.start('second')

  await eventually(() => fleet.isDone(['unlucky']), LIMIT_SECONDS)
  alone.signal('SIGCONT')

  expect(worker.output).not.to.contain('runs alone')
  expect(alone.output).to.contain('runs alone')
  expect(await queues.dead('celery', 0, 10)).to.deep.equal([])
  expect(await fleet.states(['unlucky'])).to.deep.equal(['success'])
  return 'killed twice, then frozen alone: done by another worker'
}
