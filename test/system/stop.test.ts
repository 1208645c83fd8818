import { expect } from 'chai'
import { eventually } from '../eventually.js'
import { summary, violations } from './invariants.js'
import { monotonic } from './ledger.js'
import { complaints, type GroupProcess } from './processes.js'
import { onEachBroker } from './scenario.js'
import { seeded } from './seeded.js'
import type { Call, Stage } from './stage.js'

/** Seconds that a stop may take beyond the grace. */
const BEYOND = 2

describe('workers that are stopped (T14, G7)', function () {
  this.timeout(120_000)

  onEachBroker('20 stops with tasks running and waiting: none is lost, none runs twice, exit 0', async (stage) => {
    const random = seeded('stop')
    const calls = Array.from(
      { length: 700 },
      (_, at): Call => ({ id: `t${at}`, task: 'system.sleep', args: [Math.floor(10 + 390 * random())] }),
    )
    await stage.send(calls)
    const spans: number[] = []
    const stopTen = async (name: string) => {
      for (let stop = 0; stop < 10; stop++) {
        const worker = await stage.worker(`${name}${stop}`, { flags: ['--grace', '5', '--prefetch-multiplier', '4'] })
        const starts = 4 + Math.floor(8 * random())
        await eventually(() => startsIn(stage, worker) >= starts, 20)
        spans.push(await stopInOrder(stage, worker, 5))
        expect(complaints(worker)).to.deep.equal([])
      }
    }

    await Promise.all([stopTen('a'), stopTen('b')])
    const last = await stage.worker('last', { concurrency: 20 })
    const ids = calls.map(({ id }) => id)
    await stage.allFinal(ids)
    const findings = await stage.findings(ids, [last])

    expect(violations(findings), summary(findings)).to.deep.equal([])
    expect(findings.restarts).to.equal(0)
    return `${summary(findings)}; 20 stops, the longest ${Math.max(...spans).toFixed(2)} s`
  })

  onEachBroker(
    'gives back what waits at once, and what outlasts the grace after it; a second TERM or QUIT ends it now, with 143',
    async (stage) => {
      const ids = await sendSleeping(stage, 12, 1500)
      const patient = await stage.worker('patient', { flags: ['--grace', '0.5', '--prefetch-multiplier', '3'] })
      await eventually(async () => stage.ledger.running(patient.pid).size === 4 && (await stage.counts()).leased === 12)
      const asked = monotonic()
      stage.stop(patient, { outlasted: true })
      await eventually(async () => (await stage.counts()).leased <= 4, 1)
      expect(await patient.ended).to.deep.equal({ code: 0, signal: null })
      const patience = (monotonic() - asked) / 1000
      expect(patience).to.be.within(0.5, 0.5 + BEYOND)
      expect(await stage.counts()).to.include({ ready: 12, leased: 0, consumers: 0 })

      const hurries: number[] = []
      for (const signal of ['SIGTERM', 'SIGQUIT'] as const) {
        const hurried = await stage.worker(`hurried-by-${signal}`, { flags: ['--grace', '30'] })
        await eventually(() => stage.ledger.running(hurried.pid).size === 4)
        if (signal === 'SIGTERM') {
          stage.stop(hurried)
          await hurried.said(/once more to stop now/)
        }
        const now = monotonic()
        stage.stop(hurried, { signal, outlasted: true })
        expect(await hurried.ended).to.deep.equal({ code: 143, signal: null })
        hurries.push((monotonic() - now) / 1000)
        expect(await stage.counts()).to.include({ ready: 12, leased: 0, consumers: 0 })
      }
      expect(Math.max(...hurries)).to.be.below(BEYOND)

      const last = await stage.worker('last', { concurrency: 12 })
      await stage.allFinal(ids)
      const findings = await stage.findings(ids, [last])
      expect(violations(findings), summary(findings)).to.deep.equal([])
      expect(findings.restarts).to.equal(12)
      return `${summary(findings)}; stopped in ${patience.toFixed(2)} s with a grace of 0.5 s, at the second TERM and at QUIT in ${hurries.map((hurry) => hurry.toFixed(2)).join(' and ')} s`
    },
  )

  onEachBroker('stops in time with the broker out of reach; what it could not settle comes back', async (stage) => {
    const calls = Array.from({ length: 16 }, (_, at): Call => ({ id: `t${at}`, task: 'system.sleep', args: [at % 2 === 0 ? 400 : 1200] }))
    const ids = calls.map(({ id }) => id)
    await stage.send(calls)
    const flags = ['--grace', '1', '--prefetch-multiplier', '3']
    const [busy, idle] = await Promise.all([stage.worker('busy', { flags }), stage.worker('idle', { flags: [...flags, '-Q', 'other'] })])
    await eventually(() => stage.ledger.running(busy.pid).size === 4)
    let spans: readonly number[] = []
    await stage.away(async () => {
      await eventually(() => stage.ledger.running(busy.pid).size <= 2) // outcomes wait for the broker, and so does the idle one's take
      spans = await Promise.all([stopInOrder(stage, busy, 1), stopInOrder(stage, idle, 1)])
    })

    const last = await stage.worker('last')
    await stage.allFinal(ids)
    const findings = await stage.findings(ids, [last])

    expect(violations(findings), summary(findings)).to.deep.equal([])
    return `${summary(findings)}; stopped in ${spans.map((span) => span.toFixed(2)).join(' and ')} s`
  })
})

async function sendSleeping(stage: Stage, count: number, ms: number): Promise<readonly string[]> {
  const calls = Array.from({ length: count }, (_, at): Call => ({ id: `t${at}`, task: 'system.sleep', args: [ms] }))
  await stage.send(calls)
  return calls.map(({ id }) => id)
}

/** TERM, and exit 0 in time. Returns how long it took, in seconds. */
async function stopInOrder(stage: Stage, worker: GroupProcess, grace: number): Promise<number> {
  const asked = monotonic()
  stage.stop(worker)
  expect(await worker.ended, worker.output.slice(-1000)).to.deep.equal({ code: 0, signal: null })
  const span = (monotonic() - asked) / 1000
  expect(span).to.be.below(grace + BEYOND)
  return span
}

function startsIn(stage: Stage, worker: GroupProcess): number {
  return stage.ledger.lines().filter((line) => line.kind === 'S' && line.pid === worker.pid).length
}
