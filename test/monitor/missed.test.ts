import { expect } from 'chai'
import { type Estimate, heartbeat, started } from '../../src/monitor/missed.js'

describe('the estimate of what was missed', () => {
  type Sign = readonly ['beat', number, number] | readonly ['started', number]

  const missed = (...signs: readonly Sign[]) =>
    signs.reduce<Estimate | undefined>(
      (known, sign) => (sign[0] === 'beat' ? heartbeat(known, sign[1], sign[2]) : started(known, sign[1])),
      undefined,
    )?.missed

  it('is nothing while every task that begins is seen', () => {
    expect(missed(['beat', 1, 100], ['started', 1], ['started', 1], ['beat', 1, 102], ['beat', 1, 102])).to.equal(0)
  })

  it('waits for the next heartbeat, since what was begun just now may still be told', () => {
    expect(missed(['beat', 1, 0], ['started', 1], ['beat', 1, 4])).to.equal(0)
    expect(missed(['beat', 1, 0], ['started', 1], ['beat', 1, 4], ['beat', 1, 4])).to.equal(3)
  })

  it('is nothing for a worker that tells of no task', () => {
    expect(missed(['beat', 1, 0], ['beat', 1, 50], ['beat', 1, 90])).to.equal(0)
  })

  it('counts on when the process is another one', () => {
    const before: readonly Sign[] = [['beat', 1, 0], ['started', 1], ['beat', 1, 4], ['beat', 1, 4]] // biome-ignore format: one story
    expect(missed(...before, ['beat', 2, 0], ['started', 2], ['started', 1], ['beat', 2, 3], ['beat', 2, 3])).to.equal(5)
  })
})
