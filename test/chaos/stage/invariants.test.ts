import { expect } from 'chai'
import { audit, type Evidence, type Final, type Findings, violations } from './invariants.js'
import { type Line, parseLine } from './ledger.js'

const SUCCESS: Final = { state: 'SUCCESS', pid: 1, error: null }

/** A ledger as text, one line after the other; results as the store has them; nothing left over. */
function findings(lines: readonly string[], finals: Record<string, Final>, more: Partial<Evidence> = {}): Findings {
  const ledger: readonly Line[] = lines.map(parseLine)
  return audit({ ledger, finals: new Map(Object.entries(finals)), stored: new Map(), residue: [], ...more })
}

const told = (...given: Parameters<typeof findings>) => violations(findings(...given))

describe('the invariants of the scenarios', () => {
  it('hold for a task that was accepted, run and stored', () => {
    expect(told(['A t 0', 'S t 0 1 10', 'D t 0 1 60'], { t: SUCCESS })).to.deep.equal([])
  })

  it('name what was accepted and has no end', () => {
    expect(told(['A t 0', 'S t 0 1 10', 'D t 0 1 60'], {})).to.deep.equal(['lost: 1 (t)'])
  })

  it('ask nothing of what was refused but that it runs once at most', () => {
    expect(told(['X t 0 Error: away'], {})).to.deep.equal([])
    expect(told(['X t 0 Error: away', 'S t 0 1 10', 'D t 0 1 60', 'S t 0 2 90', 'D t 0 2 99'], { t: SUCCESS })).to.deep.equal([
      'started again without cause: 1 (t at attempt 0)',
    ])
  })

  it('name a SUCCESS of a run that never came to its end', () => {
    expect(told(['A t 0', 'S t 0 1 10', 'K kill 1 20', 'S t 0 2 30', 'D t 0 2 40'], { t: SUCCESS })).to.deep.equal([
      'SUCCESS without a run: 1 (t)',
    ])
  })

  it('name a final state that another one has replaced', () => {
    const stored = new Map([['t', [{ ...SUCCESS, pid: 2 }]]])
    const lines = ['A t 0', 'S t 0 2 10', 'D t 0 2 20', 'K freeze 1 15', 'U freeze 1 16', 'S t 0 1 30', 'D t 0 1 40']

    expect(findings(lines, { t: SUCCESS }, { stored }).overwritten).to.deep.equal(['t'])
    expect(findings(lines, { t: SUCCESS }, { stored: new Map([['t', [SUCCESS, SUCCESS]]]) }).overwritten).to.deep.equal([])
  })

  it('explain a second start by a fault of the worker that had it, and by nothing else', () => {
    const again = ['S t 0 2 90', 'D t 0 2 99']
    const restarted = (...before: string[]) => findings(['A t 0', ...before, ...again], { t: { ...SUCCESS, pid: 2 } })

    expect(restarted('S t 0 1 10', 'K kill 1 20'))
      .to.include({ restarts: 1, running: 1, doneTwice: 0 })
      .and.to.deep.include({ unexplained: [] })
    expect(restarted('S t 0 1 10', 'D t 0 1 15', 'K kill 1 20'))
      .to.include({ running: 0, doneTwice: 1 })
      .and.to.deep.include({ unexplained: [] })
    expect(restarted('S t 0 1 10', 'K kill 3 20').unexplained).to.deep.equal(['t at attempt 0'])
    expect(restarted('K kill 1 5', 'S t 0 1 10').unexplained).to.deep.equal(['t at attempt 0'])
  })

  it('take a fault that costs no worker for no cause, but for a reason why outcomes wait', () => {
    const again = ['S t 0 2 20000', 'D t 0 2 20010']
    const restarted = (...before: string[]) =>
      findings(['A t 0', ...before, ...again], { t: { ...SUCCESS, pid: 2 } }, { withstood: ['broker'] }).unexplained

    expect(restarted('S t 0 1 10', 'K broker 0 20', 'D t 0 1 60', 'U broker 0 900')).to.deep.equal(['t at attempt 0'])
    expect(restarted('S t 0 1 10', 'D t 0 1 60', 'K kill 1 11000')).to.deep.equal(['t at attempt 0'])
    expect(restarted('S t 0 1 10', 'K broker 0 20', 'D t 0 1 60', 'U broker 0 9000', 'K kill 1 11000')).to.deep.equal([])
  })

  it('let a worker that was cut off begin with what it held before it learns that others have it', () => {
    const late = (fault: string) =>
      findings(['A t 0', `K ${fault} 1 10`, 'S t 0 2 20', 'D t 0 2 30', `U ${fault} 1 40`, 'S t 0 1 41', 'D t 0 1 50'], {
        t: { ...SUCCESS, pid: 2 },
      })

    expect(late('cut')).to.deep.include({ restarts: 1, unexplained: [] })
    expect(late('broker').unexplained).to.deep.equal(['t at attempt 0'])
  })

  it('do not excuse a run that ended long before the fault', () => {
    const lines = ['A t 0', 'S t 0 1 10', 'D t 0 1 60', 'K kill 1 9000', 'S t 0 2 9100', 'D t 0 2 9200']

    expect(findings(lines, { t: SUCCESS }).unexplained).to.deep.equal(['t at attempt 0'])
  })

  it('count a retry as another attempt, and two of the same attempt as a restart', () => {
    const tries = ['A t 0', 'S t 0 1 10', 'D t 0 1 20', 'S t 1 1 30', 'D t 1 1 40']

    expect(findings(tries, { t: SUCCESS })).to.deep.include({ restarts: 0, attempts: [1, 1] })
    expect(told([...tries, 'S t 1 1 50', 'D t 1 1 60'], { t: SUCCESS })).to.deep.equal(['started again without cause: 1 (t at attempt 1)'])
  })

  it('name two runs at the same time, but not beside a frozen one', () => {
    const both = ['S t 0 1 10', 'S t 0 2 20', 'D t 0 1 30', 'D t 0 2 40']

    expect(findings(['A t 0', ...both], { t: SUCCESS }).overlapping).to.deep.equal(['t at attempt 0'])
    expect(findings(['A t 0', 'K freeze 1 15', ...both, 'U freeze 1 35'], { t: SUCCESS }).overlapping).to.deep.equal([])
    expect(findings(['A t 0', 'S t 0 1 10', 'K kill 1 15', 'S t 0 2 20', 'D t 0 2 40'], { t: SUCCESS }).overlapping).to.deep.equal([])
  })

  it('let a task that is acked early fail with its worker, and never start twice', () => {
    const lost: Final = { state: 'FAILURE', pid: null, error: 'WorkerLostError' }
    const killed = findings(['A t 0', 'S t 0 1 10', 'K kill 1 20'], { t: lost })
    const twice = findings(['A t 0', 'S t 0 1 10', 'K kill 1 20', 'S t 0 2 30', 'D t 0 2 40'], { t: { ...SUCCESS, pid: 2 } })

    expect(violations(killed, { early: () => true })).to.deep.equal([])
    expect(violations(killed)).to.deep.equal(['never done: 1 (t)', 'failed: 1 (t)'])
    expect(violations(twice, { early: () => true })).to.deep.equal(['acked early and started again: 1 (t)'])
  })

  it('name what is left in the broker', () => {
    expect(told([], {}, { residue: ['celerity:lane:x'] })).to.deep.equal(['left behind: 1 (celerity:lane:x)'])
  })

  it('say how long a task waited for its second start', () => {
    expect(findings(['A t 0', 'S t 0 1 10', 'K kill 1 20', 'S t 0 2 2020', 'D t 0 2 2030'], { t: SUCCESS }).recovery).to.deep.equal([2])
  })

  it('are not asked about a line that nobody could have written', () => {
    expect(() => parseLine('Q t 0')).to.throw('not a line of the ledger')
  })
})
