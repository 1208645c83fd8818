import { expect } from 'chai'
import { TaskRate } from '../../src/cli/task-rate.js'

describe('tasks a second', () => {
  it('are those of the last five whole seconds', () => {
    const rate = new TaskRate()
    for (let at = 100; at < 110; at += 0.1) rate.count(at)

    expect(rate.perSecond(110)).closeTo(10, 0.5)
    expect(rate.perSecond(112.5)).closeTo(6, 0.5)
    expect(rate.perSecond(120)).equal(0)
  })

  it('do not count the second that is not over, nor those before the clock was set back', () => {
    const rate = new TaskRate()
    for (let index = 0; index < 50; index++) rate.count(1000)

    expect(rate.perSecond(1000.5)).equal(0)
    expect(rate.perSecond(1001)).equal(10)
    expect(rate.perSecond(500)).equal(0)
  })
})
