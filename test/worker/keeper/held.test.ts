import { expect } from 'chai'
import { openBroker } from '../../../src/broker/open.js'
import { createEncoder } from '../../../src/protocol/message.js'
import { Board } from '../../../src/worker/keeper/board.js'
import { HeldMessages } from '../../../src/worker/keeper/held.js'

describe('what a worker holds, read by its keeper', () => {
  it('is told apart by the board, once for all who ask at the same time, and no more of it than a small heap bears', async () => {
    const broker = await openBroker('memory://')
    const consumer = await broker.register({ incarnation: 'i', node: 'w1@host1', leaseMs: 60_000, queues: ['celery'] })
    const encoder = createEncoder({ origin: 'test', replyTo: 'r', markers: true })
    const message = (id: string, size: number) => encoder.encode({ id, task: 'kuma.add', args: ['x'.repeat(size)], queue: 'celery' })
    const raws = [message('a', 1), message('huge', 4_000_000), message('b', 1), 'no message', message('c', 1)]
    await broker.publish(raws.map((raw) => ({ queue: 'celery', priority: 0, raw })))
    const taken = await consumer.take(1, ['celery'], 5)
    const board = new Board(4)
    for (const { lane, position } of taken === 'lost' ? [] : taken.deliveries.slice(0, 2)) {
      board.start(lane.name, position, `board-${position}`, 'kuma.add', 5 + position)
    }
    board.start('9/1', 0, 'elsewhere', 'kuma.add', 9)
    const held = new HeldMessages(broker, board, 'i')

    const [one, other] = await Promise.all([held.read(), held.read()])

    expect(one).to.equal(other)
    expect(one.active.map(({ running, message: found }) => [running.id, found?.id ?? null])).to.deep.equal([
      ['board-0', 'a'],
      ['board-1', null],
      ['elsewhere', null],
    ])
    expect(one.reserved.map(({ id }) => id)).to.deep.equal(['b', 'c'])
    await broker.close()
  })
})
