import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.js'
import { PoorWire } from '../faults/poor-wire.js'
import { type Scale, type Scenario, unless, type Verdict } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import { startLoad } from '../stage/load.js'
import { complaints } from '../stage/processes.js'
import type { Stage } from '../stage/stage.js'
import { resumptions } from './outage.js'

const LEASE = 2.5
/** Leases that the wire is poor. */
const LEASES = 3
/** Each reply is late by that share of a lease: as 2 s are, and more, of the usual 30. */
const SHARE = 1 / 5
/** Seconds after the end of the trouble in which work must go on. */
const RESUMES = 5
/** Which of the replies that come is spoilt, at most. */
const NTH = 40

/** Resolves with how many tasks were done meanwhile, where that matters. */
type Trouble = (stage: Stage, wire: PoorWire, random: () => number) => Promise<number | null>

const TROUBLES: readonly Trouble[] = [
  (stage, wire) => poorly(stage, wire, { latencyMs: LEASE * SHARE * 1000 }),
  (stage, wire) => poorly(stage, wire, { bytesPerMs: 1 }),
  (_stage, wire, random) => wire.spoil('cut', 1 + Math.floor(NTH * random())).then(() => null),
  (_stage, wire, random) => wire.spoil('garble', 1 + Math.floor(NTH * random())).then(() => null),
]

async function poorly(stage: Stage, wire: PoorWire, quality: Parameters<PoorWire['become']>[0]): Promise<number> {
  const before = stage.ledger.done
  wire.become(quality)
  await sleep(LEASES * LEASE * 1000)
  wire.become({})
  return stage.ledger.done - before
}

export const poor: Scenario = {
  name: 'T8',
  what: 'replies are late by a fifth of a lease, come at a byte a millisecond, are cut off in their middle, or garbled, under load',
  brokers: ['redis'],
  usual: { tasks: 400, faults: 4 },
  play: (stage, scale) => underPoorWire(stage, scale, LEASE, TROUBLES),
}

/** Seconds: of a worker that nobody has told otherwise, and that a reply takes then. */
const USUAL_LEASE = 30
const LATE = 2

export const slow: Scenario = {
  name: 'T8s',
  what: 'replies are late by 2 s for three leases of 30 s, new connections included, under load',
  brokers: ['redis'],
  usual: { tasks: 200, faults: 1 },
  play: (stage, scale) =>
    underPoorWire(stage, scale, USUAL_LEASE, [
      async (_, wire) => {
        const before = stage.ledger.done
        wire.become({ latencyMs: LATE * 1000 })
        for (let lease = 0; lease < LEASES; lease++) {
          await sleep(USUAL_LEASE * 500)
          wire.reset()
          await sleep(USUAL_LEASE * 500)
          stage.progress(`lease ${lease + 1} of ${LEASES}, ${stage.ledger.done - before} done meanwhile`)
        }
        wire.become({})
        return stage.ledger.done - before
      },
    ]),
}

async function underPoorWire(stage: Stage, { tasks, faults }: Scale, lease: number, troubles: readonly Trouble[]): Promise<Verdict> {
  const random = stage.random('poor')
  const wire = stage.opened(await PoorWire.open(stage.redis.server.port))
  const options = { lease, url: wire.url }
  const workers = await Promise.all([stage.worker('first', options), stage.worker('second', options)])
  const load = startLoad(stage)
  const between = tasks / faults
  const meanwhile: number[] = []
  for (let fault = 0; fault < faults; fault++) {
    const from = stage.ledger.done
    await eventually(() => stage.ledger.done >= from + between, 60)
    await stage.fault('wires', 0, async () => {
      const done = await (troubles[fault % troubles.length] as Trouble)(stage, wire, random)
      if (done !== null) meanwhile.push(done)
    })
    stage.progress(`trouble ${fault + 1} of ${faults}, ${stage.ledger.done} done`)
  }
  const back = stage.ledger.done
  await eventually(() => stage.ledger.done >= back + between, 60)
  await load.end()
  await stage.allFinal(stage.accepted())
  const findings = await stage.findings(load.ids, workers)
  const pause = Math.max(...resumptions(stage.ledger.lines()))
  const least = Math.min(...meanwhile)
  return {
    broken: [
      ...violations(findings),
      ...unless(findings.restarts === 0, `started again: ${findings.restarts}`),
      ...unless(pause <= RESUMES, `goes on only after ${pause.toFixed(1)} s`),
      ...unless(least > 0, 'nothing was done while the wire was poor'),
      ...workers.flatMap(complaints),
    ],
    findings,
    figures: { 'done while it was poor': meanwhile.join(' and '), 'goes on after at most': `${pause.toFixed(2)} s` },
  }
}
