import { expect } from 'chai'
import fc from 'fast-check'
import { type RetryPolicyOptions, retryDelay, retryPolicy } from '../../src/app/retry-policy.js'

const policy = (options: RetryPolicyOptions) => retryPolicy(options, { max: 3, delay: 180 })
const never = () => 0
const nearlyOne = () => 1 - Number.EPSILON

describe('retrying', () => {
  it('waits as Celery does without jitter: 1, 2, 4 … and never above the ceiling', () => {
    const waits = (options: RetryPolicyOptions) => [0, 1, 2, 3, 9, 10, 2000].map((retries) => retryDelay(policy(options), retries, never))

    expect(waits({ backoff: true, jitter: false })).to.deep.equal([1, 2, 4, 8, 512, 600, 600])
    expect(waits({ backoff: 5, jitter: false, backoffMax: '1m' })).to.deep.equal([5, 10, 20, 40, 60, 60, 60])
  })

  it('waits the same each time without back-off', () => {
    expect([0, 5].map((retries) => retryDelay(policy({ delay: '2m' }), retries, never))).to.deep.equal([120, 120])
    expect(retryDelay(policy({}), 0, never)).to.equal(180)
  })

  it('draws whole seconds from nothing to the back-off, both included', () => {
    expect(retryDelay(policy({ backoff: true }), 3, never)).to.equal(0)
    expect(retryDelay(policy({ backoff: true }), 3, nearlyOne)).to.equal(8)
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(40), (draw, retries) => {
        const wait = retryDelay(policy({ backoff: 2, backoffMax: 100 }), retries, () => draw)

        expect(Number.isInteger(wait)).to.equal(true)
        expect(wait).to.be.within(0, Math.min(100, 2 * 2 ** retries))
      }),
    )
  })

  it('retries the classes it was given and their subclasses, and nothing else', () => {
    class SmtpError extends Error {}
    class SmtpBusy extends SmtpError {}
    const { retries } = policy({ on: [SmtpError, TypeError] })

    expect([new SmtpError(), new SmtpBusy(), new TypeError(), new Error(), 'SmtpError', null].map(retries)).to.deep.equal([
      true,
      true,
      true,
      false,
      false,
      false,
    ])
  })

  it('asks a function', () => {
    expect(policy({ on: (error) => error === 'busy' }).retries('busy')).to.equal(true)
  })
})
