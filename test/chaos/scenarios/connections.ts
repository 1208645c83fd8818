import { setTimeout as sleep } from 'node:timers/promises'
import { Wire } from '../faults/wire.js'
import type { Scenario } from '../scenario.js'
import type { Stage } from '../stage/stage.js'
import { playAbsences } from './freeze.js'
import { underLoad } from './outage.js'

const LEASE = 2

type Blow = (stage: Stage, wire: Wire) => Promise<void>

/** What happens to connections though the server is well. */
const BLOWS: readonly Blow[] = [
  (stage) => stage.redis.ask(async (client) => void (await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'))),
  (stage) => stage.redis.ask(async (client) => void (await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes'))),
  async (_stage, wire) => wire.reset(),
  async (_stage, wire) => {
    await wire.refuse()
    await sleep((LEASE + 1) * 1000)
    await wire.accept()
  },
  async (_stage, wire) => {
    for (let flap = 0; flap < 6; flap++) {
      await wire.refuse()
      await sleep(300)
      await wire.accept()
      await sleep(300)
    }
  },
]

export const connections: Scenario = {
  name: 'T5',
  what: 'connections are killed, reset, refused for longer than a lease, and flap, under load',
  brokers: ['redis'],
  usual: { tasks: 500, faults: 5 },
  async play(stage, scale) {
    const wire = stage.opened(await Wire.open({ host: '127.0.0.1', port: stage.redis.server.port }))
    const options = { lease: LEASE, url: wire.by(stage.stand.url) }
    const workers = await Promise.all([stage.worker('first', options), stage.worker('second', options)])
    return underLoad(stage, scale, workers, 'trouble', (fault) =>
      stage.fault('wires', 0, () => (BLOWS[fault % BLOWS.length] as Blow)(stage, wire)),
    )
  },
}

export const silence: Scenario = {
  name: 'T5b',
  what: 'the connections of one worker fall silent for longer than its lease, without an end, while it goes on',
  brokers: ['redis'],
  usual: { tasks: 8, faults: 2 },
  async play(stage, scale) {
    const target = { host: '127.0.0.1', port: stage.redis.server.port }
    const wires = [stage.opened(await Wire.open(target)), stage.opened(await Wire.open(target))] as const
    const start = (name: string, wire: Wire) => stage.worker(name, { lease: scale.lease ?? LEASE, url: wire.by(stage.stand.url) })
    const workers = [await start('first', wires[0]), await start('second', wires[1])] as const
    return playAbsences(stage, scale.faults, workers, async (worker, during) => {
      const wire = worker === workers[0] ? wires[0] : wires[1]
      await stage.fault('cut', worker.pid, async () => {
        wire.cut()
        await during()
        wire.heal()
      })
    })
  },
}
