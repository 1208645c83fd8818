import { expect } from 'chai'
import type { Fate } from '../../src/broker/broker.js'
import type { EncodedResult } from '../../src/results/store.js'
import { createJudge } from '../../src/worker/judge.js'
import { read } from '../app/an-app.js'
import { aDelivery } from './a-request.js'
import { aSignature, someOutcomes } from './some-outcomes.js'

describe('the judge of what a dead worker held', () => {
  const orphan = { raw: aDelivery({ chain: [aSignature('kuma.next', [], { task_id: 'next' })] }).raw, queue: 'celery', node: 'celery@gone' }

  function judge(
    facts: { deliveries: number; early?: boolean; suspect?: boolean; alone?: boolean; lives?: boolean },
    joined = false,
    raw = orphan.raw,
  ) {
    const late: EncodedResult[] = []
    const { outcomes } = someOutcomes({ joined })
    const { lives = false, ...known } = facts
    const given = { ...orphan, early: false, suspect: false, alone: false, process: 'its mark', ...known, raw }
    const verdict = createJudge(
      outcomes,
      (result) => late.push(result),
      () => {},
      (process) => lives && process === 'its mark',
    )(given)
    return { ...verdict, late }
  }

  it('sends it back to the front, marked as redelivered', () => {
    const { fate, late } = judge({ deliveries: 1, suspect: true })
    const { raw } = fate as Extract<Fate, { kind: 'requeue' }>

    expect(fate).to.deep.include({ kind: 'requeue', to: 'front' })
    expect(read(raw as Buffer).redelivered).to.equal(true)
    expect(late).to.deep.equal([])
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

  it('ends what was acked early with WorkerLost, whatever it was, and never gives it back', () => {
    const { fate, late } = judge({ deliveries: 1, early: true })

    expect(fate).to.deep.equal({ kind: 'ack' })
    expect(late.map(({ id, state }) => [id, state])).to.deep.equal([
      ['an-id', 'FAILURE'],
      ['next', 'FAILURE'],
    ])
    expect(late[0]?.json).to.contain('"exc_type": "WorkerLostError"').and.to.contain('celery@gone')
  })

  it('sends the errbacks of what has failed by that, whose results are ignored too, and of nothing that goes back', () => {
    for (const ignoreResult of [false, true]) {
      const { raw } = aDelivery({ errbacks: [aSignature('kuma.alarm'), aSignature('kuma.broken')], ignoreResult })
      const sent = (facts: Parameters<typeof judge>[0]) =>
        (judge(facts, true, raw).publish ?? []).map((message) => read(Buffer.from(message.raw as string)))

      expect(sent({ deliveries: 1, early: true }).map(({ task, args, parentId }) => [task, args, parentId])).to.deep.equal([
        ['kuma.alarm', ['an-id'], 'an-id'],
      ])
      expect(sent({ deliveries: 3, suspect: true, alone: true }).map(({ task }) => task)).to.deep.equal(['kuma.alarm'])
      expect(sent({ deliveries: 1, suspect: true })).to.deep.equal([])
    }
  })

  it('has the results written with the verdict where the broker can', () => {
    const { writes, late } = judge({ deliveries: 3, suspect: true, alone: true }, true)

    expect(writes).to.have.length(2)
    expect(late).to.deep.equal([])
  })

  it('keeps what cannot be read as it is', () => {
    const raw = Buffer.from('\x00 not a message')

    expect(judge({ deliveries: 1 }, false, raw).fate).to.deep.equal({ kind: 'requeue', to: 'front', raw })
    expect(judge({ deliveries: 30 }, false, raw))
      .to.deep.include({ late: [] })
      .and.to.not.have.any.keys('writes', 'publish')
  })
})
