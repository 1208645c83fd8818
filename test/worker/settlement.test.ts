import { expect } from 'chai'
import type { TaskOptions } from '../../src/app/task-options.js'
import type { TaskCall } from '../../src/protocol/message.js'
import { decodeResult, encodeResult, type Outcome as StoredOutcome } from '../../src/protocol/result.js'
import { readTry, type Try, tryOf } from '../../src/protocol/try.js'
import type { Outcome } from '../../src/worker/outcome.js'
import { accept } from '../../src/worker/request.js'
import type { Settling } from '../../src/worker/settler.js'
import { resultsOf } from '../protocol/fixtures.js'
import { aDelivery, anIntake, aRequest, aRun, NOW } from './a-request.js'
import { aSignature, type OutcomesChoice, sentBy, someOutcomes } from './some-outcomes.js'

function settle(outcome: Outcome, call: Partial<TaskCall> = {}, how: OutcomesChoice = {}, task: TaskOptions = {}): Settling {
  return someOutcomes(how).outcomes.of(aRun(call, task), { outcome, runtime: 1, children: [] }).settling
}

/** What is stored, as JSON, without what differs from run to run. */
function stored({ results = [] }: Settling): unknown[] {
  return results.map(({ json }) => stable(json))
}

function stable(json: string): unknown {
  const whole = JSON.parse(json) as Record<string, unknown>
  const { task_id: _id, date_done: done, traceback: _traceback, parent_id: _parent, celerity_try: _try, ...rest } = whole
  return { ...rest, isDone: done !== null }
}

const success = (value: unknown): Outcome => ({ kind: 'success', value })
const failure = (error: unknown): Outcome => ({ kind: 'failure', error, expected: false })

describe('what is stored', () => {
  class ValueError extends Error {}

  const AS_CELERY: readonly (readonly [fixture: string, Settling])[] = [
    ['result-success-none', settle(success(undefined))],
    ['result-failure-not-registered', refused({ task: 'no.such.task' })],
    ['result-revoked-expired', refused({ expires: NOW })],
  ]
  for (const [name, settling] of AS_CELERY) {
    it(`is what Celery stores: ${name}`, () => {
      expect(stored(settling)).to.deep.equal(resultsOf(name).slice(0, 1).map(stable))
    })
  }

  const STATES: readonly (readonly [string, Outcome, string | null, object])[] = [
    ['a value is SUCCESS', success({ a: 1 }), 'SUCCESS', { kind: 'ack' }],
    ['an error is FAILURE', failure(new ValueError('bad')), 'FAILURE', { kind: 'ack' }],
    ['a retry is RETRY', { kind: 'retry', due: NOW + 1000, cause: new ValueError('bad'), options: {} }, 'RETRY', { kind: 'ack' }],
    ['what is to be ignored is nothing', { kind: 'ignore' }, null, { kind: 'ack' }],
    [
      'what is rejected is nothing',
      { kind: 'reject', requeue: false, reason: 'no' },
      null,
      { kind: 'dead', reason: 'rejected', detail: 'no' },
    ],
    ['what is rejected to its queue is nothing', { kind: 'reject', requeue: true, reason: 'no' }, null, { kind: 'requeue', to: 'back' }],
  ]
  for (const [title, outcome, state, fate] of STATES) {
    it(`${title}, with the fate ${JSON.stringify(fate)}`, () => {
      const settling = settle(outcome)

      expect(settling.settlement.fate).to.deep.equal(fate)
      expect(settling.results?.map((result) => [result.id, result.state, result.ttl]) ?? []).to.deep.equal(
        state === null ? [] : [['an-id', state, 86_400]],
      )
    })
  }

  it('of a failure is the error as Python knows it, with the stack', () => {
    const [result] = settle(failure(new ValueError('bad'))).results ?? []
    const decoded = decodeResult(result?.json ?? '')

    expect(decoded).to.have.deep.nested.property('result.outcome.error.message', ['bad'])
    expect(decoded).to.have.nested.property('result.outcome.error.type', 'ValueError')
    expect(decoded).to.have.nested.property('result.outcome.error.module', 'builtins')
    expect(decoded).to.have.nested.property('result.outcome.error.traceback').that.contains('settlement.test.ts')
  })

  it('goes with the settlement where the broker is the same server, and before it where it is not', () => {
    const joined = settle(success(1), {}, { joined: true })
    const apart = settle(success(1))

    expect([joined.results, joined.settlement.writes?.length]).to.deep.equal([undefined, 1])
    expect([apart.results?.length, apart.settlement.writes]).to.deep.equal([1, undefined])
  })

  it('is nothing without a store, and nothing but errors for a task that ignores its result, if so set', () => {
    expect(settle(success(1), {}, { without: true }).results).to.equal(undefined)
    expect(settle(failure(new Error('x')), { ignoreResult: true }).results).to.equal(undefined)
    expect(settle(failure(new Error('x')), { ignoreResult: true }, { storeErrorsEvenIfIgnored: true }).results).to.have.length(1)
    expect(settle(success(1), { ignoreResult: true }, { storeErrorsEvenIfIgnored: true }).results).to.equal(undefined)
  })

  it('is EncodeError for a value that cannot be sent, and the caller is told of it', () => {
    const { outcomes } = someOutcomes()

    const { settling, outcome } = outcomes.of(aRun(), { outcome: success(() => {}), runtime: 1, children: ['child'] })

    expect(outcome).to.include({ kind: 'failure' })
    expect(stored(settling)).to.have.deep.nested.property('[0].result.exc_type', 'EncodeError')
    expect(stored(settling)).to.have.deep.nested.property('[0].children', [[['child', null], null]])
  })

  it('names what was sent by the task first, then what follows it', () => {
    const { outcomes } = someOutcomes()
    const run = aRun({ callbacks: [aSignature('kuma.note')] })

    const { settling } = outcomes.of(run, { outcome: success(3), runtime: 1, children: ['own'] })

    expect(stored(settling)).to.have.deep.nested.property('[0].children', [
      [['own', null], null],
      [['follow-1', null], null],
    ])
    expect(sentBy(settling)).to.have.deep.nested.property('[0].args', [3])
  })

  it('of a refused task is its failure, with its errbacks, and the message among the dead', () => {
    const settling = refused({ task: 'no.such.task', errbacks: [aSignature('kuma.alarm')] })

    expect(settling.settlement.fate).to.deep.include({ kind: 'dead', reason: 'unregistered' })
    expect(sentBy(settling)).to.have.deep.nested.property('[0].args', ['an-id'])
  })

  it('of unreadable bytes is a failure when they tell an id, and nothing when not', () => {
    const bad = { code: 'malformed-headers', detail: 'headers.eta: no date', task: null } as const
    const { outcomes } = someOutcomes()

    const known = outcomes.ofRefused(aDelivery(), { kind: 'unreadable', bad: { ...bad, id: 'known' } })
    const unknown = outcomes.ofRefused(aDelivery(), { kind: 'unreadable', bad: { ...bad, id: null } })

    expect(known.settlement.fate).to.deep.equal({ kind: 'dead', reason: 'malformed-headers', detail: 'headers.eta: no date' })
    expect(known.results?.map(({ id, state }) => [id, state])).to.deep.equal([['known', 'FAILURE']])
    expect(unknown.results).to.equal(undefined)
  })

  it('of the rest of a chain is the failure of the step that failed, as in Celery', () => {
    const chain = [aSignature('kuma.c', [], { task_id: 'c' }), aSignature('kuma.b', [], { task_id: 'b' }), aSignature('kuma.a')]
    const settling = settle(failure(new ValueError('mid')), { chain })

    expect(settling.results?.map(({ id, state }) => [id, state])).to.deep.equal([
      ['an-id', 'FAILURE'],
      ['c', 'FAILURE'],
      ['b', 'FAILURE'],
    ])
    expect(sentBy(settling)).to.deep.equal([])
  })

  it('is the end of a message that comes again, unless it is of what was sent under the same id before', async () => {
    const request = aRequest()
    const of = tryOf(request.delivery.raw, request.message)
    const error = { type: 'ValueError', module: 'builtins', message: [], traceback: null }
    const isFinal = async (outcome: StoredOutcome, by: Try | null) => {
      const json = encodeResult({ id: 'an-id', outcome, dateDone: NOW, markers: true, try: by })
      return (await someOutcomes({ stored: json }).outcomes.final([request])).has('an-id')
    }

    for (const outcome of [
      { kind: 'success', value: 1 },
      { kind: 'error', state: 'FAILURE', error },
    ] as const) {
      expect(await isFinal(outcome, of)).to.equal(true)
      expect(await isFinal(outcome, null)).to.equal(true) // Python's, who says nothing of tries
      expect(await isFinal(outcome, { life: 'a-former-one', number: 3 })).to.equal(false)
    }
    expect(await isFinal({ kind: 'error', state: 'RETRY', error }, of)).to.equal(false)
  })

  function refused(call: Partial<TaskCall>): Settling {
    const delivery = aDelivery(call)
    const accepted = accept(delivery, anIntake(), NOW)
    if (accepted.kind === 'run') throw new Error('it was to be refused')
    return someOutcomes().outcomes.ofRefused(delivery, accepted)
  }
})

describe('what follows', () => {
  it('is the next of the chain with the rest of it', () => {
    const chain = [aSignature('kuma.c', [], { task_id: 'c' }), aSignature('kuma.b', [7], { task_id: 'b' })]
    const [sent] = sentBy(settle(success(3), { chain }))

    expect(sent).to.deep.include({ id: 'b', args: [3, 7], parentId: 'an-id', rootId: 'an-id' })
    expect(sent?.chain.map(({ options }) => options['task_id'])).to.deep.equal(['c'])
  })

  it('a retry without delay is due at once, whatever part of a millisecond has passed', () => {
    const settling = settle({ kind: 'retry', due: NOW + 0.9, cause: undefined, options: { countdown: 0 } })

    expect(settling.settlement.publish).to.have.deep.nested.property('[0].due', NOW)
  })

  it('a retry is the same message once more, later, without the rate limit’s slot', () => {
    const call = { headers: { tenant: 'mdn', celerity_slot: NOW - 5 }, expires: NOW + 60_000, priority: 3, timeLimit: 9 }
    const settling = settle({ kind: 'retry', due: NOW + 1500.5, cause: undefined, options: {} }, call)
    const [again] = sentBy(settling)

    expect(settling.settlement.publish).to.have.deep.nested.property('[0].due', NOW + 1500)
    expect(again).to.deep.include({
      id: 'an-id',
      retries: 1,
      eta: NOW + 1500,
      expires: NOW + 60_000,
      parentId: 'an-id',
      priority: 3,
      timeLimit: 9,
    })
    expect(again?.args).to.deep.equal([1, 2])
    const { life } = readTry(settling.results?.[0]?.json ?? '') ?? {}
    expect(life).to.be.a('string')
    expect(again?.headers).to.deep.equal({ tenant: 'mdn', celerity_life: life })
    expect(stored(settling)).to.have.deep.nested.property('[0].result.exc_type', 'Retry')
  })

  it('a retry goes to the queue, with the priority and the arguments it was asked for', () => {
    const options = { queue: 'slow', priority: 9, args: [5], kwargs: { y: 6 } }
    const settling = settle({ kind: 'retry', due: NOW, cause: undefined, options })

    expect(settling.settlement.publish).to.have.deep.nested.property('[0].queue', 'slow')
    expect(sentBy(settling)[0]).to.deep.include({ args: [5], kwargs: { y: 6 }, queue: 'slow', priority: 9 })
  })

  it('a retry with arguments that cannot be sent is a failure', () => {
    const settling = settle({ kind: 'retry', due: NOW, cause: undefined, options: { args: [() => {}] } })

    expect(settling.settlement.publish).to.equal(undefined)
    expect(stored(settling)).to.have.deep.nested.property('[0].result.exc_type', 'EncodeError')
  })

  it('an errback that cannot be sent is named, and the others are sent', () => {
    const { outcomes, lines } = someOutcomes()
    const run = aRun({ errbacks: [aSignature('kuma.broken'), aSignature('kuma.alarm')] })

    const { settling } = outcomes.of(run, { outcome: failure(new Error('x')), runtime: 1, children: [] })

    expect(sentBy(settling).map(({ task }) => task)).to.deep.equal(['kuma.alarm'])
    expect(lines.map(({ level, text }) => [level, text])).to.deep.equal([
      ['error', "Task kuma.add[an-id]: kuma.broken can't be sent after it: cannot be sent"],
    ])
  })

  it('a result that stands is what would have followed it, under the ids it names', () => {
    const { outcomes } = someOutcomes()
    const request = aRequest({
      callbacks: [aSignature('kuma.note')],
      errbacks: [aSignature('kuma.alarm')],
      chain: [aSignature('kuma.next')],
    })
    const child = (id: string) => ({ id, parent: null, members: null })
    const result = { id: 'an-id', dateDone: NOW, groupId: null, parentId: null, extended: null, try: null }

    const again = (outcome: Parameters<typeof outcomes.ofSettled>[1]['outcome'], children: readonly string[]) =>
      sentBy(outcomes.ofSettled(request, { ...result, outcome, children: children.map(child) })).map(({ task, id, args }) => [
        task,
        id,
        args,
      ])

    expect(again({ kind: 'success', value: 3 }, ['own', 'noted', 'next'])).to.deep.equal([
      ['kuma.note', 'noted', [3]],
      ['kuma.next', 'next', [3]],
    ])
    expect(again({ kind: 'success', value: 3 }, ['one']).map(([task]) => task)).to.deep.equal(['kuma.note', 'kuma.next'])
    const error = { type: 'ValueError', module: 'builtins', message: [], traceback: null }
    expect(again({ kind: 'error', state: 'FAILURE', error }, []).map(([task, , args]) => [task, args])).to.deep.equal([
      ['kuma.alarm', ['an-id']],
    ])
    expect(again({ kind: 'error', state: 'REVOKED', error }, [])).to.deep.equal([])
  })
})
