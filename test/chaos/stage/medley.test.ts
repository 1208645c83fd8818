import { expect } from 'chai'
import type { Final } from './invariants.js'
import { monotonic, parseLine } from './ledger.js'
import { Histories, Medley } from './medley.js'
import { seeded } from './seeded.js'

const told = (...lines: readonly string[]) => new Histories(lines.map(parseLine))
const ends = (state: string, error: string | null = null): Final => ({ state, pid: null, error })
const LOST = ends('FAILURE', 'WorkerLostError')

/** A medley that has made calls of all kinds, and a call of one of them. */
function medleyWith(kind: string) {
  const medley = new Medley(seeded(7, 'calls'))
  const calls = Array.from({ length: 2_000 }, (_, at) => medley.next(`t${at}`))
  const call = calls.find(({ id }) => id.startsWith(`${kind}-`))
  if (call === undefined) throw new Error(`nothing of kind ${kind}`)
  return { medley, id: call.id, call }
}

describe('a medley of calls', () => {
  it('is the same for the same seed', () => {
    const ids = () => {
      const medley = new Medley(seeded(7, 'calls'))
      return Array.from({ length: 50 }, (_, at) => medley.next(`t${at}`).id)
    }
    expect(ids()).to.deep.equal(ids())
  })

  it('allows a task to be condemned only when three processes that it ran in have ended', () => {
    const { medley, id } = medleyWith('long')
    const deaths = [1, 2, 3].flatMap((pid) => [`S ${id} 0 ${pid} ${pid * 10}`, `K kill ${pid} ${pid * 10 + 5}`])

    expect(medley.allows(id, ends('SUCCESS'), told())).to.equal(true)
    expect(medley.allows(id, LOST, told(...deaths))).to.equal(true)
    expect(medley.allows(id, LOST, told(...deaths.slice(0, 5), 'K kill 4 90'))).to.equal(false)
    expect(medley.allows(id, ends('FAILURE', 'TypeError'), told(...deaths))).to.equal(false)
  })

  it('knows which ends a kind of tasks may come to', () => {
    const allows = (kind: string, final: Final) => {
      const { medley, id } = medleyWith(kind)
      return medley.allows(id, final, told())
    }
    expect(allows('once', LOST)).to.equal(true)
    expect(allows('exit', LOST)).to.equal(true)
    expect(allows('exit', ends('SUCCESS'))).to.equal(false)
    expect(allows('endless', ends('FAILURE', 'TimeLimitExceeded'))).to.equal(true)
    expect(allows('expiring', ends('REVOKED', 'TaskRevokedError'))).to.equal(true)
    expect(allows('short', ends('REVOKED', 'TaskRevokedError'))).to.equal(false)
  })

  it('names what started before its time, after it had expired, or though it was revoked in time', async () => {
    const now = monotonic()
    const later = medleyWith('later')
    expect(later.medley.untimely(told(`S ${later.id} 0 1 ${now - 1}`)).join()).to.match(/before its time/)
    expect(later.medley.untimely(told(`S ${later.id} 0 1 ${now + 60_000}`))).to.deep.equal([])

    const expiring = medleyWith('expiring')
    const start = `S ${expiring.id} 0 1 ${now + 10_000}`
    expect(expiring.medley.untimely(told(`A ${expiring.id} ${now}`, start)).join()).to.match(/after it had expired/)
    expect(expiring.medley.untimely(told(`A ${expiring.id} ${now + 9_000}`, start))).to.deep.equal([])

    const revoked = medleyWith('revoked')
    const starts = told(`S ${revoked.id} 0 1 ${now + 60_000}`)
    expect(revoked.medley.untimely(starts)).to.deep.equal([])
    await revoked.medley.revoke([revoked.id], async () => {})
    expect(revoked.medley.untimely(starts).join()).to.match(/was revoked, and started/)
    expect(revoked.medley.allows(revoked.id, ends('SUCCESS'), starts)).to.equal(false)
  })

  it('tells what follows a task, and what follows that', () => {
    const { medley, call } = medleyWith('chained')
    const [first = '', second = '', third = ''] = call.chain ?? []
    expect(medley.after(call.id)).to.deep.equal([first, second, third])
    expect(medley.after(second)).to.deep.equal([third])
    expect(medley.after(third)).to.deep.equal([])
  })
})
