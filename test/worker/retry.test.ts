import { expect } from 'chai'
import type { RetryOptions } from '../../src/app/task-context.js'
import type { TaskOptions } from '../../src/app/task-options.js'
import { decideRetry } from '../../src/worker/retry.js'
import { aRun, NOW } from './a-request.js'

const clock = (draw = 0.5) => ({ brokerNow: () => NOW, random: () => draw })
const decide = (retries: number, retry: TaskOptions['retry'] = {}, options: RetryOptions = {}, draw?: number) =>
  decideRetry(aRun({ retries }, { retry: { ...retry } }), options, clock(draw))

/** Seconds until the next try, for the first five tries. */
function waits(retry: TaskOptions['retry'], draw?: number): readonly number[] {
  return [0, 1, 2, 3, 4].map((retries) => {
    const outcome = decide(retries, { max: 100, ...retry }, {}, draw)
    return outcome.kind === 'retry' ? (outcome.due - NOW) / 1000 : Number.NaN
  })
}

describe('the decision to retry', () => {
  it('waits as Celery does: 2^retries seconds by the factor, below the ceiling', () => {
    expect(waits({ backoff: true, jitter: false })).to.deep.equal([1, 2, 4, 8, 16])
    expect(waits({ backoff: 3, backoffMax: 20, jitter: false })).to.deep.equal([3, 6, 12, 20, 20])
    expect(waits({ delay: 7 })).to.deep.equal([7, 7, 7, 7, 7])
  })

  it('draws with jitter what Celery’s randrange(countdown + 1) could draw', () => {
    expect(waits({ backoff: true }, 0)).to.deep.equal([0, 0, 0, 0, 0])
    expect(waits({ backoff: true }, 0.999_999)).to.deep.equal([1, 2, 4, 8, 16])
    expect(waits({ backoff: true }, 0.5)).to.deep.equal([1, 1, 2, 4, 8])
  })

  it('goes by what the handler said, an ETA before a countdown', () => {
    const eta = NOW + 90_000

    expect(decide(0, { backoff: true }, { countdown: '2m' })).to.deep.include({ kind: 'retry', due: NOW + 120_000 })
    expect(decide(0, {}, { countdown: 5, eta })).to.deep.include({ due: eta })
    expect(decide(0, {}, { eta: new Date(eta).toISOString() })).to.deep.include({ due: eta })
    expect(decide(0, {}, { countdown: 0 })).to.deep.include({ due: NOW })
  })

  it('ends with the cause when no try is left, else with MaxRetriesExceededError', () => {
    const cause = new RangeError('out')

    expect(decide(2, { max: 3 })).to.include({ kind: 'retry' })
    expect(decide(3, { max: 3 }, { cause })).to.deep.equal({ kind: 'failure', error: cause, expected: false })
    expect(decide(3, { max: 3 })).to.have.nested.property('error.name', 'MaxRetriesExceededError')
    expect(decide(3, { max: 3 }, { max: 4 })).to.include({ kind: 'retry' })
    expect(decide(1_000_000, { max: Number.POSITIVE_INFINITY })).to.include({ kind: 'retry' })
    expect(decide(0, { max: 0 })).to.include({ kind: 'failure' })
  })

  it('knows an expected error when it gives up', () => {
    class Busy extends Error {}
    const run = aRun({ retries: 3 }, { retry: { max: 3 }, throws: [Busy] })

    expect(decideRetry(run, { cause: new Busy() }, clock())).to.include({ kind: 'failure', expected: true })
  })

  it('is a failure for an ETA that is no time', () => {
    expect(decide(0, {}, { eta: 'soon' })).to.include({ kind: 'failure' })
    expect(decide(0, {}, { eta: Number.NaN })).to.include({ kind: 'failure' })
  })
})
