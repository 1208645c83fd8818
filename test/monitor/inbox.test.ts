import { expect } from 'chai'
import { Inbox } from '../../src/monitor/inbox.js'
import { task } from './some-events.js'

describe('the inbox of a camera', () => {
  const events = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => task(`t${from + index}`, 'started'))

  it('keeps events until they are released', () => {
    const inbox = new Inbox(10_000)
    inbox.add(events(0, 5))

    const load = inbox.peek(3, 1)
    inbox.add(events(5, 6))
    const again = inbox.peek(3, 2)
    inbox.release(again)

    expect(load.events.map(({ uuid }) => uuid)).to.deep.equal(['t0', 't1', 't2'])
    expect(again.events).to.deep.equal(load.events)
    expect(inbox.peek(10, 3).events.map(({ uuid }) => uuid)).to.deep.equal(['t3', 't4', 't5'])
  })

  it('lets the oldest go when it is full, and counts them until that is stored', () => {
    const inbox = new Inbox(100)
    inbox.add(events(0, 90))
    const first = inbox.peek(50, 1)
    inbox.add(events(90, 1_200))

    const second = inbox.peek(10, 2)
    inbox.release(first) // those it held have given way meanwhile
    const third = inbox.peek(10, 3)
    inbox.release(third)
    inbox.release(second)

    expect(first.gap).to.equal(null)
    expect(second.gap).to.include({ cause: 'overflow', events: 1_100 })
    expect(second.events[0]?.uuid).to.equal('t1100')
    expect(third.gap).to.deep.include({ id: second.gap?.id, events: 1_100 })
    expect(inbox.size).to.equal(90)
  })
})
