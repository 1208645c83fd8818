import { expect } from 'chai'
import { eventually } from '../../eventually.js'
import type { Scenario } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import { monotonic } from '../stage/ledger.js'
import { callsOf } from './kill.js'
import { BEYOND } from './stops.js'

const TASKS = 12

export const grace: Scenario = {
  name: 'T14g',
  what: 'a worker is told to stop with tasks that outlast its grace, and then told again',
  brokers: ['redis', 'sqlite'],
  usual: { tasks: TASKS, faults: 3 },
  async play(stage) {
    const calls = callsOf(TASKS, 'system.sleep', [1500])
    await stage.send(calls)
    const patient = await stage.worker('patient', { flags: ['--grace', '0.5', '--prefetch-multiplier', '3'] })
    await eventually(async () => stage.ledger.running(patient.pid).size === 4 && (await stage.counts()).leased === TASKS)
    const asked = monotonic()
    stage.stop(patient, { outlasted: true })
    await eventually(async () => (await stage.counts()).leased <= 4, 1)
    expect(await patient.ended).to.deep.equal({ code: 0, signal: null })
    const patience = (monotonic() - asked) / 1000
    expect(patience).to.be.within(0.5, 0.5 + BEYOND)
    expect(await stage.counts()).to.include({ ready: TASKS, leased: 0, consumers: 0 })

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
      expect(await stage.counts()).to.include({ ready: TASKS, leased: 0, consumers: 0 })
    }
    expect(Math.max(...hurries)).to.be.below(BEYOND)

    const last = await stage.worker('last', { concurrency: TASKS })
    const ids = calls.map(({ id }) => id)
    await stage.allFinal(ids)
    const findings = await stage.findings(ids, [last])
    expect(findings.restarts).to.equal(12)
    return {
      broken: violations(findings),
      findings,
      figures: {
        'with a grace of 0.5 s': `${patience.toFixed(2)} s`,
        'told again': hurries.map((hurry) => `${hurry.toFixed(2)} s`).join(', '),
      },
    }
  },
}
