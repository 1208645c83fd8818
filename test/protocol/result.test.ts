import { expect } from 'chai'
import fc from 'fast-check'
import { CelerityError } from '../../src/errors.js'
import { formatIso, parseIso } from '../../src/protocol/dates.js'
import { celeryError } from '../../src/protocol/error-wire.js'
import { decodeResult, encodeResult, isFinal, type ResultInput, resultKey, stateOf, type TaskResult } from '../../src/protocol/result.js'
import { fixture, fixtureNames, resultsOf } from './fixtures.js'
import { wireValue } from './wire-values.js'

const WHEN = Date.parse('2026-11-22T06:28:08.997Z')

function resultIn(json: string): TaskResult {
  const decoded = decodeResult(json)
  if (!decoded.ok) throw new Error(decoded.reason)
  return decoded.result
}

function again(result: TaskResult): string {
  return encodeResult({ ...result, dateDone: result.dateDone ?? 0, extended: result.extended ?? undefined, markers: true })
}

describe('results', () => {
  for (const name of fixtureNames('').filter((name) => resultsOf(name).length > 0)) {
    it(`are read and written as Celery writes them: ${name}`, () => {
      for (const json of resultsOf(name)) {
        const theirs = JSON.parse(json)
        const ours = JSON.parse(again(resultIn(json)))

        // JavaScript dates have milliseconds; theirs may have another offset or, from 5.2, none
        if (theirs.date_done !== null) theirs.date_done = formatIso(parseIso(theirs.date_done) ?? 0)
        expect(ours).to.deep.equal(theirs)
        expect(Object.keys(ours)).to.deep.equal(Object.keys(theirs))
      }
    })
  }

  it('hold the value, the error, or the data of a state', () => {
    const read = (name: string) => resultIn(fixture(name).raw ?? '').outcome

    expect(read('result-success')).to.deep.equal({ kind: 'success', value: 5 })
    expect(read('result-success-bytes')).to.deep.equal({ kind: 'success', value: Buffer.from([0xff, 0]) })
    expect(read('result-progress')).to.deep.equal({ kind: 'meta', state: 'PROGRESS', meta: { current: 1, total: 3 } })
    expect(read('result-failure-custom-exception')).to.deep.nested.include({
      kind: 'error',
      state: 'FAILURE',
      'error.type': 'CustomError',
      'error.module': 'proj.tasks',
      'error.message': [42, { why: 'because' }],
    })
    expect(read('result-revoked-expired')).to.deep.equal({
      kind: 'error',
      state: 'REVOKED',
      error: celeryError('TaskRevokedError', ['expired']),
    })
  })

  it('name their children, a group with its members', () => {
    const { children } = resultIn(fixture('result-success-children').raw ?? '')

    expect(children).to.have.length(1)
    expect(children?.[0]?.members?.map((member) => member.id)).to.deep.equal([
      '03346b04-fdf5-4d46-8ac4-b3da5d4ba9b7',
      '0b912c87-9f7f-4a6e-85fd-c677e8fae6ba',
    ])
    expect(resultIn(fixture('result-revoked-unknown-id').raw ?? '').children).to.equal(null)
  })

  it('are written as Celery 5.6 writes them, field for field', () => {
    const base: ResultInput = { id: 'i', outcome: { kind: 'success', value: 5 }, dateDone: WHEN, markers: true }

    expect(encodeResult(base)).to.equal(
      '{"status": "SUCCESS", "result": 5, "traceback": null, "children": [], "date_done": "2026-11-22T06:28:08.997000+00:00", "task_id": "i"}',
    )
    expect(
      encodeResult({
        ...base,
        outcome: { kind: 'meta', state: 'STARTED', meta: { pid: 1, hostname: 'w' } },
        children: null,
        groupId: 'g',
        parentId: 'p',
      }),
    ).to.equal(
      '{"status": "STARTED", "result": {"pid":1,"hostname":"w"}, "traceback": null, "children": null, "date_done": null, "group_id": "g", "parent_id": "p", "task_id": "i"}',
    )
  })

  it('are read back as they were, whatever the value', () => {
    fc.assert(
      fc.property(wireValue, fc.string({ unit: 'binary' }), (value, id) => {
        const result: TaskResult = {
          id,
          outcome: { kind: 'success', value },
          dateDone: WHEN,
          children: [{ id, parent: { id: 'p', parent: null, members: null }, members: [{ id: 'm', parent: null, members: null }] }],
          groupId: null,
          parentId: null,
          extended: { name: 'n', args: [value], kwargs: { value }, worker: 'w', retries: 1, queue: 'q', stamps: { stamp: value } },
          try: { life: 'a-tag', number: 2 },
        }

        expect(resultIn(again(result))).to.deep.equal(result)
      }),
      { numRuns: 500 },
    )
  })

  it('are refused when the value cannot be sent, with its path', () => {
    const outcome = { kind: 'success', value: { x: [() => 1] } } as const

    expect(() => encodeResult({ id: 'i', outcome, dateDone: WHEN, markers: true })).to.throw(
      CelerityError,
      'value.x[0]: a function cannot be sent',
    )
  })

  it('hold a failure in any case: arguments that cannot be sent become text', () => {
    const error = { type: 'ValueError', module: 'builtins', message: [new Set([1]), 'ok', Buffer.from('x')], traceback: null }

    const json = encodeResult({ id: 'i', outcome: { kind: 'error', state: 'FAILURE', error }, dateDone: WHEN, markers: false })

    expect(JSON.parse(json).result.exc_message).to.deep.equal(['{}', 'ok', "b'x'"])
  })

  it('may hold a string for an exception message, as old versions write it', () => {
    const json = '{"status": "FAILURE", "result": {"exc_type": "E", "exc_message": "text"}, "task_id": "i"}'

    expect(resultIn(json).outcome).to.deep.equal({
      kind: 'error',
      state: 'FAILURE',
      error: { type: 'E', module: 'builtins', message: ['text'], traceback: null },
    })
  })

  it('are unreadable, with a reason, when the store holds something else', () => {
    const cases: Readonly<Record<string, string>> = {
      '': 'not JSON',
      '[]': 'not an object',
      null: 'not an object',
      '{"status": "SUCCESS"}': 'task_id: expected a string',
      '{"task_id": "i"}': 'status: expected a state',
      '{"task_id": "i", "status": "FAILURE", "result": 5}': 'result: expected an exception',
      [`{"task_id": ${'['.repeat(100_000)}`]: 'not JSON',
    }
    for (const [json, reason] of Object.entries(cases)) expect(decodeResult(json)).to.deep.equal({ ok: false, reason })
  })

  it('have states that end them, and states that do not', () => {
    expect(['SUCCESS', 'FAILURE', 'REVOKED'].every(isFinal)).to.equal(true)
    expect(['PENDING', 'STARTED', 'RETRY', 'PROGRESS'].some(isFinal)).to.equal(false)
    expect(stateOf({ kind: 'success', value: 1 })).to.equal('SUCCESS')
  })

  it('have Celery keys, a prefix set off with an underscore where it needs one', () => {
    expect(resultKey('', 'i')).to.equal('celery-task-meta-i')
    expect(resultKey('res', 'i')).to.equal('res_celery-task-meta-i')
    expect(resultKey('res:', 'i')).to.equal('res:celery-task-meta-i')
  })
})
