/** All that is done to a fleet and its broker, by name, each as it may come at any moment, whatever else is going on. */
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.js'
import { DiskStand } from '../scenarios/disk.js'
import { freezeOutsideTransactions } from '../scenarios/freeze.js'
import type { BrokerKind } from '../stage/brokers.js'
import type { Berth } from '../stage/fleet.js'
import type { GroupProcess } from '../stage/processes.js'
import type { Stage } from '../stage/stage.js'
import type { PoorWire } from './poor-wire.js'
import type { Wire } from './wire.js'

/** A place of the fleet, and what it has of its own. */
export interface Place {
  readonly berth: Berth
  /** Its way to the broker, where that is a wire. */
  readonly wire?: { readonly outer: Wire; readonly inner: PoorWire }
  /** Sets its wall clock to so many seconds beside the right time, where it has one of its own. */
  readonly jump?: (seconds: number) => void
}

export interface Scene {
  readonly stage: Stage
  readonly places: readonly Place[]
  /** Seconds. */
  readonly lease: number
  /** Plays `during` unless another one holds `what` already. */
  alone(what: string, during: () => Promise<void>): Promise<void>
  /** Notes what is done to whom. */
  tell(text: string): void
  /** Notes what must not be. */
  broken(line: string): void
}

export interface Mischief {
  readonly name: string
  /** How often, beside the others. */
  readonly share: number
  /** Default: all. */
  readonly broker?: BrokerKind
  /** @param random the seed's */
  play(scene: Scene, random: () => number): Promise<void>
}

/** Seconds in which a worker that was told to stop has ended, whatever else happens to it. */
const HANGS = 40
const DAY = 86_400

export const MISCHIEFS: readonly Mischief[] = [
  { name: 'kill', share: 6, play: (scene, random) => toOne(scene, random, (place, worker) => kill(scene, place, worker)) },
  { name: 'kill all', share: 1, play: (scene) => toAll(scene, (place, worker) => kill(scene, place, worker)) },
  { name: 'TERM', share: 3, play: (scene, random) => stop(scene, random, ['SIGTERM'], '0') },
  { name: 'INT', share: 1, play: (scene, random) => stop(scene, random, ['SIGINT'], '0') },
  { name: 'HUP', share: 1, play: (scene, random) => stop(scene, random, ['SIGHUP'], '0') },
  { name: 'QUIT', share: 2, play: (scene, random) => stop(scene, random, ['SIGQUIT'], '143') },
  { name: 'TERM twice', share: 2, play: (scene, random) => stop(scene, random, ['SIGTERM', 'SIGTERM'], '143') },
  { name: 'INT twice', share: 1, play: (scene, random) => stop(scene, random, ['SIGINT', 'SIGINT'], '130') },
  { name: 'one fewer', share: 2, play: leave },
  { name: 'one more', share: 3, play: async ({ places }) => places.find(({ berth }) => !berth.taken)?.berth.take() },
  { name: 'frozen shortly', share: 3, play: (scene, random) => freeze(scene, random, [0.2, 0.8]) },
  { name: 'frozen for long', share: 3, play: (scene, random) => freeze(scene, random, [1.2, 2.5]) },
  { name: 'all stands still', share: 1, play: standStill },
  { name: 'clock', share: 2, play: (scene, random) => toOne(scene, random, async ({ jump }) => jump?.((random() * 2 - 1) * DAY)) },
  { name: 'reset', share: 3, broker: 'redis', play: (scene, random) => toOne(scene, random, async ({ wire }) => wire?.outer.reset()) },
  { name: 'refused', share: 2, broker: 'redis', play: (scene, random) => refuse(scene, random, [0.2, 1.5]) },
  { name: 'silent', share: 3, broker: 'redis', play: (scene, random) => cut(scene, random, [0.2, 2.5]) },
  { name: 'late', share: 2, broker: 'redis', play: late },
  { name: 'cut off', share: 1, broker: 'redis', play: (scene, random) => spoil(scene, random, 'cut') },
  { name: 'garbled', share: 1, broker: 'redis', play: (scene, random) => spoil(scene, random, 'garble') },
  { name: 'CLIENT KILL', share: 1, broker: 'redis', play: (scene) => killClients(scene, 'normal') },
  { name: 'CLIENT KILL pubsub', share: 1, broker: 'redis', play: (scene) => killClients(scene, 'pubsub') },
  { name: 'SCRIPT FLUSH', share: 2, broker: 'redis', play: flushScripts },
  { name: 'maxmemory', share: 2, broker: 'redis', play: shortOfMemory },
  { name: 'busy', share: 1, broker: 'redis', play: busy },
  { name: 'server stopped', share: 1, broker: 'redis', play: stopServer },
  { name: 'broker killed', share: 2, play: (scene, random) => away(scene, random, 'kill') },
  { name: 'broker restarted', share: 2, broker: 'redis', play: (scene, random) => away(scene, random, 'term') },
  { name: 'disk full', share: 2, broker: 'sqlite', play: fillDisk },
]

type Blow = (place: Place, worker: GroupProcess) => Promise<void>

async function toOne({ places, tell }: Scene, random: () => number, blow: Blow): Promise<void> {
  const alive = places.filter(({ berth }) => berth.worker !== null)
  const place = alive[Math.floor(random() * alive.length)]
  if (!place?.berth.worker) return
  tell(`  ${place.berth.worker.name}, ${place.berth.worker.pid}`)
  await blow(place, place.berth.worker)
}

async function toAll({ places }: Scene, blow: Blow): Promise<void> {
  await Promise.all(places.map(async (place) => (place.berth.worker === null ? undefined : blow(place, place.berth.worker))))
}

async function kill({ stage }: Scene, { berth }: Place, worker: GroupProcess): Promise<void> {
  berth.toldTo('SIGKILL')
  await stage.kill(worker)
}

/** While it starts, it may not hear it as a worker yet. */
function stop(scene: Scene, random: () => number, signals: readonly NodeJS.Signals[], end: string): Promise<void> {
  return toOne(scene, random, async ({ berth }, worker) => {
    if (berth.wasTold) berth.toldTo('130', '143', ...signals) // a second signal, and may find Node already taken down
    berth.toldTo('0', end)
    if (!scene.stage.peer.ready.test(worker.output)) berth.toldTo(...signals, '130', '143')
    for (const signal of signals) {
      scene.stage.stop(worker, { signal, outlasted: true })
      await sleep(1000 * random())
    }
    const ended = await Promise.race([worker.ended, sleep(HANGS * 1000, null, { ref: false })])
    if (ended === null) scene.broken(`${worker.name} (${worker.pid}) lives ${HANGS} s after ${signals.join(' and ')}`)
  })
}

function leave(scene: Scene, random: () => number): Promise<void> {
  const taken = scene.places.filter(({ berth }) => berth.taken)
  const place = taken[Math.floor(random() * taken.length)]
  if (place === undefined || taken.length < 2) return Promise.resolve()
  place.berth.leave()
  return stop({ ...scene, places: [place] }, random, ['SIGTERM'], '0')
}

function freeze(scene: Scene, random: () => number, leases: Span): Promise<void> {
  const { stage } = scene
  return toOne(scene, random, (_place, worker) =>
    scene.alone(`frozen ${worker.pid}`, async () => {
      await freezeOutsideTransactions(stage, worker)
      await wait(scene, random, leases)
      stage.thaw(worker)
    }),
  )
}

/** The server too, so that nobody has lost his lease by that alone. */
function standStill(scene: Scene, random: () => number): Promise<void> {
  const { stage } = scene
  return scene.alone('broker', async () => {
    const workers = scene.places.flatMap(({ berth }) => berth.worker ?? [])
    const server = stage.stand.kind === 'redis' ? [stage.redis.server.pid] : []
    for (const pid of server) process.kill(pid, 'SIGSTOP')
    for (const worker of workers) stage.freeze(worker)
    await wait(scene, random, [0.5, 2])
    for (const pid of server) process.kill(pid, 'SIGCONT')
    for (const worker of workers) stage.thaw(worker)
  })
}

/** Each of these may be longer than a lease: then what it runs is given to others. */
function onWire(scene: Scene, random: () => number, during: (wire: NonNullable<Place['wire']>) => Promise<void>): Promise<void> {
  return toOne(scene, random, async ({ wire }, worker) => {
    if (wire === undefined) return
    await scene.alone(`wire ${wire.outer.port}`, () => scene.stage.fault('cut', worker.pid, () => during(wire)))
  })
}

function refuse(scene: Scene, random: () => number, leases: Span): Promise<void> {
  return onWire(scene, random, async ({ outer }) => {
    await outer.refuse()
    await wait(scene, random, leases)
    await outer.accept()
  })
}

function cut(scene: Scene, random: () => number, leases: Span): Promise<void> {
  return onWire(scene, random, async ({ outer }) => {
    outer.cut()
    await wait(scene, random, leases)
    outer.heal()
  })
}

/** By less than what costs a lease. */
function late(scene: Scene, random: () => number): Promise<void> {
  return toOne(scene, random, async ({ wire }) => {
    wire?.inner.become({ latencyMs: (random() * scene.lease * 1000) / 5 })
    await wait(scene, random, [1, 2])
    wire?.inner.become({})
  })
}

function spoil(scene: Scene, random: () => number, harm: 'cut' | 'garble'): Promise<void> {
  return toOne(scene, random, async ({ wire }) => void wire?.inner.spoil(harm, 1 + Math.floor(30 * random())))
}

function killClients({ stage }: Scene, type: 'normal' | 'pubsub'): Promise<void> {
  return stage.redis.ask(async (client) => void (await client.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes').catch(unlessBusy)))
}

function flushScripts({ stage }: Scene): Promise<void> {
  return stage.redis.ask(async (client) => void (await client.script('FLUSH').catch(unlessBusy)))
}

/** Another fault may have it that the server carries out nothing. */
function unlessBusy(error: Error): false {
  if (/^(BUSY|LOADING) /.test(error.message)) return false
  throw error
}

function shortOfMemory(scene: Scene, random: () => number): Promise<void> {
  const limit = (bytes: number) =>
    eventually(() => scene.stage.redis.ask((client) => client.config('SET', 'maxmemory', bytes).catch(unlessBusy)), 30)
  return scene.alone('memory', () =>
    scene.stage.fault('broker', 0, async () => {
      await limit(1)
      await wait(scene, random, [0.5, 2])
      await limit(0)
    }),
  )
}

/** Somebody's script goes on without an end, until it is killed. */
function busy(scene: Scene, random: () => number): Promise<void> {
  const { stage } = scene
  return onBroker(scene, () =>
    stage.redis.ask(async (client) => {
      await client.config('SET', 'lua-time-limit', 100).catch(unlessBusy)
      const other = client.duplicate({ retryStrategy: () => null })
      other.on('error', () => {})
      const running = other.eval('while true do end', 0).catch(() => {})
      await wait(scene, random, [0.3, 1])
      await client.script('KILL').catch(() => {}) // its client was killed, and it with that
      await running
      other.disconnect()
    }),
  )
}

/** It takes connections, and says nothing. */
function stopServer(scene: Scene, random: () => number): Promise<void> {
  return onBroker(scene, async () => {
    const { pid } = scene.stage.redis.server
    process.kill(pid, 'SIGSTOP')
    await wait(scene, random, [0.3, 2])
    process.kill(pid, 'SIGCONT')
  })
}

function away(scene: Scene, random: () => number, how: 'kill' | 'term'): Promise<void> {
  return scene.alone('broker', () => scene.stage.away(() => wait(scene, random, [0.1, 2]), how))
}

function fillDisk(scene: Scene, random: () => number): Promise<void> {
  const { stand } = scene.stage
  const small = stand instanceof DiskStand ? stand.disk : null
  if (small === null) return Promise.resolve()
  return onBroker(scene, async () => {
    small.fill()
    await wait(scene, random, [0.3, 2])
    small.free()
  })
}

function onBroker(scene: Scene, during: () => Promise<void>): Promise<void> {
  return scene.alone('broker', () => scene.stage.fault('broker', 0, during))
}

/** From, to. */
type Span = readonly [number, number]

function wait({ lease }: Scene, random: () => number, [from, to]: Span): Promise<void> {
  return sleep((from + (to - from) * random()) * lease * 1000)
}
