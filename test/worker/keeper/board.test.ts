import { expect } from 'chai'
import fc from 'fast-check'
import { Board } from '../../../src/worker/keeper/board.js'

const ID = '0b0c7a4e-2d34-4a0b-8a59-0d1a0b8f3a11'

describe('the board', () => {
  it('shows another thread what runs, from the same memory', () => {
    const board = new Board(3)
    const seen = new Board(board.buffer)

    const slot = board.start('7/2', 41, ID, 'kuma.add', 1_000)
    board.start('7/2', 42, 'b', 'kuma.mul', 900)

    const unlimited = { size: 1, limitMs: null, overdueMs: 0 }
    const second = { lane: '7/2', position: 42, id: 'b', name: 'kuma.mul', since: 900, ...unlimited }
    expect(seen.started()).to.deep.equal([second, { lane: '7/2', position: 41, id: ID, name: 'kuma.add', since: 1_000, ...unlimited }])
    expect(seen.active).to.equal(2)
    board.end(slot)
    expect(seen.started()).to.deep.equal([second])
    expect(seen.active).to.equal(1)
  })

  it('shows how long a handler may take, from when it is called, and for how long it has taken more', () => {
    const board = new Board(3)
    const seen = new Board(board.buffer)
    const slot = board.start('7/2', 41, ID, 'kuma.add', 1_000, 50)
    expect(seen.started()[0]).to.include({ size: 50, limitMs: null, overdueMs: 0 })

    board.enter(slot, 0.05)
    const early = seen.started()[0]
    const end = performance.now() + 60
    while (performance.now() < end);
    const late = seen.started()[0]

    expect(early).to.include({ limitMs: 50 })
    expect(early?.overdueMs).to.be.within(-50, 0)
    expect(late?.overdueMs).to.be.within(5, 5_000)
    board.end(slot)
    board.start('7/2', 42, ID, 'kuma.add', 1_000)
    expect(seen.started()[0]).to.include({ size: 1, limitMs: null, overdueMs: 0 })
  })

  it('shows whose handler has not yet let go of the event loop', () => {
    const board = new Board(3)
    const seen = new Board(board.buffer)
    expect(seen.entered).to.equal(undefined)

    const one = board.start('1/1', 0, 'one', 'kuma.add', 0)
    board.enter(one, null)
    board.left()
    const two = board.start('1/1', 1, 'two', 'kuma.mul', 0)
    board.enter(two, 5)
    expect(seen.entered).to.include({ id: 'two', name: 'kuma.mul', limitMs: 5_000 })
    board.end(two)
    expect(seen.entered).to.equal(undefined)
    board.enter(-1, 5)
    expect(seen.entered).to.equal(undefined)
  })

  it('shows counters, and whether the event loop turns', () => {
    const board = new Board(3)
    const seen = new Board(board.buffer)
    const ticks = seen.ticks

    board.processed = 5_000_000_000
    board.concurrency = 7
    seen.ignore()
    board.tick()

    expect(seen.processed).to.equal(5_000_000_000)
    expect(seen.concurrency).to.equal(7)
    expect(board.ignored).to.equal(1)
    expect(seen.ticks).to.equal(ticks + 1)
    expect(seen.blockedMs).to.equal(0)
    expect(board.stats()).to.deep.equal({ blocked_seconds: 0, ignored_requests: 1 })
  })

  it('passes over what it has no room for, and has room for a pool twice as large', () => {
    const board = new Board(50)

    const slots = Array.from({ length: 101 }, (_, position) => board.start('1/1', position, ID, 'kuma.add', 0))

    expect(new Set(slots.slice(0, 100)).size).to.equal(100)
    expect(slots[100]).to.equal(-1)
    board.end(-1)
    board.end(slots[99] ?? -1)
    expect(board.start('x'.repeat(129), 0, ID, 'kuma.add', 0)).to.equal(-1)
    expect(board.start('x'.repeat(128), 0, ID, 'kuma.add', 0)).to.be.at.least(0)
    expect(board.active).to.equal(100)
  })

  it('cuts names, not what leads to the message', () => {
    const board = new Board(1)

    board.start('x'.repeat(128), 7, 'i'.repeat(255), 'n'.repeat(300), 5)
    board.start('1/1', 8, ID, 'n'.repeat(300), 6)

    const [long, usual] = board.started()
    expect(long).to.include({ lane: 'x'.repeat(128), position: 7, since: 5, name: '' })
    expect(usual).to.include({ lane: '1/1', position: 8, id: ID, since: 6 })
    expect(usual?.name).to.match(/^n{100,}$/)
  })

  it('holds what was started and not ended, in any order', () => {
    const lane = fc.stringMatching(/^[0-9]{1,9}\/[!-~]{1,30}$/)
    const step = fc.tuple(lane, fc.nat(100_000), fc.string({ maxLength: 255 }), fc.string({ maxLength: 300 }), fc.nat(5))
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const board = new Board(1)
        const running = new Map<number, { lane: string; position: number }>()
        for (const [name, position, id, task, ends] of steps) {
          const slot = board.start(name, position, id, task, 0)
          if (slot >= 0) running.set(slot, { lane: name, position })
          else expect(running.size).to.equal(64)
          if (running.delete(ends)) board.end(ends)
        }

        const seen = new Board(board.buffer).started().map(({ lane, position }) => ({ lane, position }))
        expect(seen).to.have.deep.members([...running.values()])
      }),
    )
  })
})
