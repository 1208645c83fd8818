import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.js'
import { findFaketime } from '../../setup/tools.js'
import { MISCHIEFS, type Place, type Scene } from '../faults/mischief.js'
import { PoorWire } from '../faults/poor-wire.js'
import { Wire } from '../faults/wire.js'
import type { WorkerOptions } from '../peers/peer.js'
import { type Scale, type Scenario, unless, type Verdict } from '../scenario.js'
import { Awaited } from '../stage/awaited.js'
import { Berth, type Departure, endOf } from '../stage/fleet.js'
import { violations } from '../stage/invariants.js'
import { startLoad } from '../stage/load.js'
import { ENDS, Histories, kindOf, Medley, pick } from '../stage/medley.js'
import { complaints, type GroupProcess } from '../stage/processes.js'
import type { Stage } from '../stage/stage.js'
import { Starvation } from '../stage/starvation.js'
import { fakeClock } from './clock.js'
import { DiskStand } from './disk.js'
import { dropDead } from './poison.js'

const LEASE = 3
const PLACES = 4
const MEGABYTES = 96
/** Seconds in which all is done once nothing happens any more. */
const PATIENCE = 120
/** Milliseconds of a second without the CPU that was asked for, from which on a worker counts as frozen. */
const STARVED_MS = 500
/** Lines of level `error` that there are reasons for. */
const EXPECTED = /lease lost|blocks the event loop beyond its time limit|process\.exit\(3\) in task system\.exit/
/** Words of an error of our own. */
const OURS = /TypeError|ReferenceError|RangeError|AssertionError|unhandled/i

export const monkey: Scenario = {
  name: 'T16',
  what: 'all that the others do, at random and at once, to workers that come and go; --tasks wait at a time, --kills come in a minute',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: 60, faults: 40, minutes: 1 },
  async stand(folder, usual) {
    const stand = await usual(folder)
    return stand.kind === 'sqlite' ? DiskStand.open(folder, MEGABYTES) : stand
  },
  async play(stage, scale) {
    const { lease = LEASE } = scale
    const places = await Promise.all(Array.from({ length: PLACES }, (_, at) => placeOf(stage, at, lease)))
    const starvation = new Starvation(stage, () => places.flatMap(({ berth }) => berth.worker ?? []), STARVED_MS)
    const medley = new Medley(stage.random('calls'))
    const awaited = new Awaited(stage, medley)
    try {
      for (const { berth } of places.slice(1)) berth.take()
      const load = startLoad(stage, { batch: 6, ahead: scale.tasks, call: (name) => medley.next(name), waiting: () => awaited.size })
      const trouble = await makeTrouble(stage, places, medley, scale)
      await load.end()
      stage.progress(`all is quiet, ${awaited.size} have no end yet`)
      await awaited.all(PATIENCE)
      await eventually(() => isIdle(stage), PATIENCE)
      return await verdictOf(stage, places, medley, load.ids, { ...trouble, starved: starvation.count })
    } finally {
      starvation.end()
      awaited.end()
      for (const { berth } of places) berth.leave()
    }
  },
}

async function verdictOf(
  stage: Stage,
  places: readonly Place[],
  medley: Medley,
  sent: readonly string[],
  { broken, count, starved }: Trouble & { readonly starved: number },
): Promise<Verdict> {
  const letters = await dropDead(stage)
  const last = places.flatMap(({ berth }) => leaveInOrder(berth))
  const ids = sent.flatMap((id) => [id, ...medley.after(id)])
  const finals = await stage.client.finals(ids)
  const histories = new Histories(stage.ledger.lines())
  const intended = new Map([...finals].map(([id, { state }]) => [id, state]))
  const wrongly = [...finals].filter(([id, final]) => !medley.allows(id, final, histories))
  const findings = await stage.findings(ids, last, intended, ['broker', 'wires'])
  const departures = places.flatMap(({ berth }) => berth.departures)
  const condemned = [...finals].filter(([id, { error }]) => error === 'WorkerLostError' && !isEarly(id))
  return {
    broken: [
      ...broken,
      ...violations(findings, { early: isEarly }),
      ...wrongly.map(([id, { state, error }]) => `${id} ended with ${state} ${error ?? ''}, and ${histories.deaths(id)} deaths`),
      ...medley.untimely(histories),
      ...unless(letters.length === condemned.length, `dead letters: ${letters.length}, and condemned: ${condemned.length}`),
      ...unless(
        letters.every((reason) => reason === 'delivery-limit'),
        `dead letters for another reason: ${letters.join(', ')}`,
      ),
      ...departures.flatMap((departure) => unexpected(departure, histories.open(departure.worker.pid))),
      ...departures.flatMap(({ worker }) => alarming(worker, histories.open(worker.pid))),
      ...departures.flatMap(({ worker }) => unless(!isGroupAlive(worker), `${worker.name}: something of it lives on`)),
    ],
    findings,
    figures: {
      mischiefs: count,
      workers: departures.length,
      'times that the machine starved one': starved,
      'done twice': findings.doneTwice,
      condemned: condemned.length,
      'of these innocent': condemned.filter(([id]) => kindOf(id).never !== 'SUCCESS').length,
    },
  }
}

/** With its own way to the broker, and every second one with its own clock, where there is only one broker's that counts. */
async function placeOf(stage: Stage, at: number, lease: number): Promise<Place> {
  const name = `w${at}`
  const isRedis = stage.stand.kind === 'redis'
  const inner = isRedis ? stage.opened(await PoorWire.open(stage.redis.server.port)) : null
  const wire =
    inner === null
      ? undefined
      : { inner, outer: stage.opened(await Wire.open({ host: '127.0.0.1', port: Number(new URL(inner.url).port) })) }
  const clock = isRedis && at % 2 === 1 && findFaketime().path !== undefined ? fakeClock(stage, name, 0) : undefined
  const random = stage.random(name)
  const one = (of: readonly string[]) => of[Math.floor(random() * of.length)] ?? ''
  const options = (): WorkerOptions => ({
    lease,
    concurrency: 1 + Math.floor(6 * random()),
    flags: ['--grace', one(['0.2', '1', '3']), '--prefetch-multiplier', one(['1', '2', '6']), ...(random() < 0.3 ? ['--events'] : [])],
    env: { TASKS_WORKER_BLOCKED_LIMIT: '20', ...clock?.env },
    ...(wire === undefined ? {} : { url: wire.outer.by(stage.stand.url) }),
  })
  return {
    berth: new Berth(stage, name, options),
    ...(wire === undefined ? {} : { wire }),
    ...(clock === undefined ? {} : { jump: clock.jump }),
  }
}

interface Trouble {
  readonly broken: readonly string[]
  /** How much of it there was. */
  readonly count: number
}

/** What the seed decides, when it decides. Resolves when the last of it is over. */
async function makeTrouble(
  stage: Stage,
  places: readonly Place[],
  medley: Medley,
  { lease = LEASE, minutes = 1, faults }: Scale,
): Promise<Trouble> {
  const seconds = minutes * 60
  const pause = 60 / faults
  const broken: string[] = []
  const held = new Set<string>()
  const began = performance.now()
  const elapsed = () => (performance.now() - began) / 1000
  const tell = (text: string) => {
    appendFileSync(join(stage.folder, 'mischief'), `${elapsed().toFixed(2)} ${text}\n`)
    stage.progress(`${elapsed().toFixed(0)} s, ${stage.ledger.done} done: ${text}`)
  }
  const scene: Scene = {
    stage,
    places,
    lease,
    tell,
    broken: (line) => void broken.push(line),
    async alone(what, during) {
      if (held.has(what)) return
      held.add(what)
      await during().finally(() => held.delete(what))
    },
  }
  const random = stage.random('mischief')
  const choice = MISCHIEFS.filter(({ broker }) => broker === undefined || broker === stage.stand.kind)
  const playing: Promise<void>[] = []
  for (let at = pause; at < seconds; at += -Math.log(1 - random()) * pause) {
    const { name, play } = pick(choice, random)
    const own = stage.random(`mischief ${playing.length}`)
    await sleep(Math.max(0, (at - elapsed()) * 1000))
    tell(name)
    playing.push(play(scene, own).catch((error: Error) => scene.broken(`${name} could not be played: ${error.message}`)))
    const revoked = medley.revoke(stage.accepted(), (ids) => stage.app.revoke(ids))
    revoked.catch(() => {}) // the broker may be away
  }
  await Promise.all(playing)
  return { broken, count: playing.length }
}

/** What waits or runs may also be a task whose sender was told otherwise. */
async function isIdle(stage: Stage): Promise<boolean> {
  const { ready, leased, delayed, suspects } = await stage.counts()
  return ready + leased + delayed + suspects === 0
}

function leaveInOrder(berth: Berth): readonly GroupProcess[] {
  berth.leave()
  berth.toldTo('0')
  return berth.worker === null ? [] : [berth.worker]
}

function isEarly(id: string): boolean {
  return kindOf(id).name === 'once'
}

/** An end that nobody told it to come to, and no task that ran there brought about. */
function unexpected({ worker, told, ...ended }: Departure, running: readonly string[]): readonly string[] {
  const end = endOf(ended)
  const explained = told.has(end) || running.some((id) => ENDS[kindOf(id).name] === end)
  const said = worker.output.split('\n').slice(-6).join('\n')
  return unless(
    explained,
    `${worker.name} (${worker.pid}) ended with ${end}, told to end with ${[...told].join(' or ') || 'nothing'}:\n${said}`,
  )
}

/** Lines that an operator would be right to be alarmed by, but for those of a process that a task has aborted. */
function alarming(worker: GroupProcess, running: readonly string[]): readonly string[] {
  const aborted = running.some((id) => kindOf(id).name === 'abort')
  const complaining = complaints(worker).filter((line) => !EXPECTED.test(line) && !(aborted && !line.includes('{"')))
  const strange = worker.output.split('\n').filter((line) => OURS.test(line))
  return [...complaining, ...strange.map((line) => `${worker.name}: ${line}`)].slice(0, 3)
}

function isGroupAlive({ pid }: GroupProcess): boolean {
  try {
    return process.kill(-pid, 0)
  } catch {
    return false
  }
}
