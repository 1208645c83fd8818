import { expect } from 'chai'
import { rateLimit } from '../../src/app/rate-limit.js'

describe('rate limits', () => {
  it('reads rates per second, minute and hour as the span between two starts', () => {
    const interval = (rate: string | number) => rateLimit(rate, 'cluster')?.intervalMs

    expect(['10/s', '60/m', '100/h', '0.5/s', 4, '4'].map(interval)).to.deep.equal([100, 1000, 36_000, 2000, 250, 250])
  })

  it('takes nothing per second for no limit, as Celery does', () => {
    expect(rateLimit(0, 'cluster')).to.equal(null)
    expect(rateLimit('0/m', 'cluster')).to.equal(null)
  })

  it('holds over all workers, or in each, as the task or the settings say', () => {
    expect(rateLimit('1/s', 'worker')?.scope).to.equal('worker')
    expect(rateLimit({ rate: '1/s', scope: 'cluster' }, 'worker')?.scope).to.equal('cluster')
    expect(rateLimit({ rate: '1/s' }, 'worker')?.scope).to.equal('worker')
  })

  it('refuses what is no rate', () => {
    for (const bad of ['', '10/d', '-1/s', 'fast', Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => rateLimit(bad, 'cluster'), String(bad)).to.throw(RangeError, 'is no rate')
    }
  })
})
