import { expect } from 'chai'
import type { Scenario } from '../scenario.js'
import { violations } from '../stage/invariants.js'
import { complaints } from '../stage/processes.js'
import { startsIn } from './stops.js'

export const sharing: Scenario = {
  name: 'shared',
  what: 'no fault: one SQLite file for two workers, a producer and a reader of results',
  brokers: ['sqlite'],
  usual: { tasks: 1_500, faults: 0 },
  async play(stage, { tasks }) {
    const ids = Array.from({ length: tasks }, (_, at) => `t${at}`)
    const workers = await Promise.all([stage.worker('first'), stage.worker('second')])
    const reader = stage.program('reader.ts', [`${tasks}`])
    const producer = stage.program('producer.ts', [`${tasks}`, '2'])

    expect(await producer.ended, producer.output).to.deep.equal({ code: 0, signal: null })
    expect(await reader.ended, reader.output).to.deep.equal({ code: 0, signal: null })
    const findings = await stage.findings(ids, workers)

    expect(reader.output).to.equal(`${tasks} values\n`)
    expect(findings).to.include({ accepted: tasks, restarts: 0 })
    const shares = workers.map((worker) => startsIn(stage, worker))
    expect(Math.min(...shares)).to.be.above(0)
    return { broken: [...violations(findings), ...workers.flatMap(complaints)], findings, figures: { shares: shares.join(' and ') } }
  },
}
