import { expect } from 'chai'
import type { Fate, Verdict } from '../../src/broker/broker.js'
import { encodeResult, type Outcome } from '../../src/protocol/result.js'
import type { EncodedResult, ResultStore } from '../../src/results/store.js'
import { createJudge } from '../../src/worker/judge.js'
import { LateOutcomes } from '../../src/worker/late-outcomes.js'
import { read } from '../app/an-app.js'
import { aDelivery } from './a-request.js'
import { aSignature, someOutcomes } from './some-outcomes.js'

describe('the judge of what a dead worker held', () => {
  const orphan = { raw: aDelivery({ chain: [aSignature('kuma.next', [], { task_id: 'next' })] }).raw, queue: 'celery', node: 'celery@gone' }

  function judged(
    facts: { deliveries: number; early?: boolean; suspect?: boolean; alone?: boolean; lives?: boolean },
    joined = false,
    raw = orphan.raw,
    standing: readonly (string | null)[] = [],
  ) {
    const { outcomes } = someOutcomes({ joined })
    const { lives = false, ...known } = facts
    const given = { ...orphan, early: false, suspect: false, alone: false, process: 'its mark', ...known, raw }
    const stored: EncodedResult[] = []
    const failed: string[] = []
    const late = new LateOutcomes(storeThat(stored, standing))
    const look = createJudge(
      outcomes,
      late,
      ({ id }) => failed.push(id),
      (process) => lives && process === 'its mark',
    )
    const first = look(given)
    return { first, failed, stored, again: async () => late.store().then(() => look(given)) }
  }

  /** What is decided at once. */
  function judge(facts: Parameters<typeof judged>[0], raw = orphan.raw): Verdict {
    const { first, stored } = judged(facts, true, raw)
    if (first === 'later') throw new Error('it was put off')
    expect(stored).to.deep.equal([])
    return first
  }

  it('sends it back to the front, marked as redelivered', () => {
    const { fate } = judge({ deliveries: 1, suspect: true })
    const { raw } = fate as Extract<Fate, { kind: 'requeue' }>

    expect(fate).to.deep.include({ kind: 'requeue', to: 'front' })
    expect(read(raw as Buffer).redelivered).to.equal(true)
  })

  const whereTo = ({ fate }: { readonly fate: Fate }) => (fate.kind === 'requeue' ? fate.to : fate.kind)

  it('keeps apart what ran at the second death or later, and blames nobody who was only there', () => {
    const fates = (suspect: boolean, counts: readonly number[]) => counts.map((deliveries) => whereTo(judge({ deliveries, suspect })))

    expect(fates(true, [1, 2, 3, 29])).to.deep.equal(['front', 'suspects', 'suspects', 'suspects'])
    expect(fates(false, [1, 2, 3, 29])).to.deep.equal(['front', 'front', 'front', 'front'])
  })

  it('condemns what ran alone, but nothing that was taken alone and had not begun', () => {
    const { fate } = judge({ deliveries: 3, suspect: true, alone: true })

    expect(fate).to.deep.include({ kind: 'dead', reason: 'delivery-limit' })
    expect((fate as Extract<Fate, { kind: 'dead' }>).detail).to.equal(
      'its worker was lost 3 times with it, the last time while it ran alone',
    )
    expect(whereTo(judge({ deliveries: 3, suspect: false, alone: true }))).to.equal('front') // of the suspects
  })

  it('blames nobody when the worker lives: it was frozen or cut off', () => {
    const facts = [{ suspect: true }, { suspect: true, alone: true }, {}].map((fact) => ({ ...fact, deliveries: 30, lives: true }))

    expect(facts.map((fact) => whereTo(judge(fact)))).to.deep.equal(['front', 'front', 'front'])
  })

  it('condemns at the thirtieth death what was only there: nothing loops for ever', () => {
    expect([29, 30].map((deliveries) => whereTo(judge({ deliveries })))).to.deep.equal(['front', 'dead'])
  })

  it('ends what was acked early with WorkerLost, whatever it was, and never gives it back', async () => {
    const { first, stored, failed, again } = judged({ deliveries: 1, early: true })
    expect([first, failed]).to.deep.equal(['later', []])
    const verdict = await again()

    expect(verdict).to.deep.include({ fate: { kind: 'ack' } })
    expect(failed).to.deep.equal(['an-id'])
    expect(stored.map(({ id, state }) => [id, state])).to.deep.equal([
      ['an-id', 'FAILURE'],
      ['next', 'FAILURE'],
    ])
    expect(stored[0]?.json).to.contain('"exc_type": "WorkerLostError"').and.to.contain('celery@gone')
  })

  it('ends it, with results elsewhere, only when they are stored there, and as what stands there says', async () => {
    const condemned = { deliveries: 3, suspect: true, alone: true }
    const linked = aDelivery({ callbacks: [aSignature('kuma.next', [], { task_id: 'next' })] }).raw
    const stands = (outcome: Outcome) => [
      encodeResult({ id: 'an-id', outcome, dateDone: 0, markers: true, children: [{ id: 'next', parent: null, members: null }] }),
    ]
    const failure = stands({ kind: 'error', state: 'FAILURE', error: { type: 'X', module: 'builtins', message: [], traceback: null } })

    for (const [standing, kind, sent, told] of [
      [[null], 'dead', [], ['an-id']],
      [failure, 'dead', [], []], // by a reaper that got no further
      [stands({ kind: 'success', value: 5 }), 'ack', ['kuma.next'], []],
    ] as const) {
      const { first, failed, again } = judged(condemned, false, linked, standing)
      expect(first).to.equal('later')
      const verdict = await again()
      if (verdict === 'later') throw new Error('it was put off')
      expect(verdict.fate.kind).to.equal(kind)
      expect((verdict.publish ?? []).map(({ raw }) => read(Buffer.from(raw as string)).task)).to.deep.equal(sent)
      expect(failed).to.deep.equal(told)
    }
  })

  it('sends the errbacks of what has failed by that, whose results are ignored too, and of nothing that goes back', () => {
    for (const ignoreResult of [false, true]) {
      const { raw } = aDelivery({ errbacks: [aSignature('kuma.alarm'), aSignature('kuma.broken')], ignoreResult })
      const sent = (facts: Parameters<typeof judge>[0]) =>
        (judge(facts, raw).publish ?? []).map((message) => read(Buffer.from(message.raw as string)))

      expect(sent({ deliveries: 1, early: true }).map(({ task, args, parentId }) => [task, args, parentId])).to.deep.equal([
        ['kuma.alarm', ['an-id'], 'an-id'],
      ])
      expect(sent({ deliveries: 3, suspect: true, alone: true }).map(({ task }) => task)).to.deep.equal(['kuma.alarm'])
      expect(sent({ deliveries: 1, suspect: true })).to.deep.equal([])
    }
  })

  it('has the results written with the verdict where the broker can', () => {
    expect(judge({ deliveries: 3, suspect: true, alone: true }).writes).to.have.length(2)
  })

  it('keeps what cannot be read as it is', () => {
    const raw = Buffer.from('\x00 not a message')

    expect(judge({ deliveries: 1 }, raw).fate).to.deep.equal({ kind: 'requeue', to: 'front', raw })
    expect(judge({ deliveries: 30 }, raw)).to.have.all.keys('fate')
  })
})

/** One that has all it is given, unless something stands there. */
function storeThat(stored: EncodedResult[], standing: readonly (string | null)[]): ResultStore {
  const store: Pick<ResultStore, 'set'> = {
    set: async (results) => {
      stored.push(...results)
      return results.map((_, index) => standing[index] ?? null)
    },
  }
  return store as ResultStore
}
