import { expect } from 'chai'
import fc from 'fast-check'
import { Board } from '../../src/worker/board.js'

describe('the board', () => {
  it('shows another thread what runs, from the same memory', () => {
    const board = new Board(3)
    const seen = new Board(board.buffer)

    const slot = board.start('7/2', 41)
    board.start('7/2', 42)

    expect(seen.started()).to.have.deep.members([
      { lane: '7/2', position: 41 },
      { lane: '7/2', position: 42 },
    ])
    board.end(slot)
    expect(seen.started()).to.deep.equal([{ lane: '7/2', position: 42 }])
  })

  it('passes over what it has no room for', () => {
    const board = new Board(1)

    expect(board.start('x'.repeat(44), 0)).to.equal(-1)
    expect(board.start('x'.repeat(43), 0)).to.equal(0)
    expect(board.start('1/1', 0)).to.equal(-1)
    board.end(-1)
    expect(board.started()).to.deep.equal([{ lane: 'x'.repeat(43), position: 0 }])
  })

  it('holds what was started and not ended, in any order', () => {
    const lane = fc.stringMatching(/^[0-9]{1,9}\/[!-~]{1,30}$/)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(fc.tuple(lane, fc.nat(100_000), fc.nat(5))), (slots, steps) => {
        const board = new Board(slots)
        const running = new Map<number, { lane: string; position: number }>()
        for (const [name, position, ends] of steps) {
          const slot = board.start(name, position)
          if (slot >= 0) running.set(slot, { lane: name, position })
          else expect(running.size).to.equal(slots)
          if (running.delete(ends)) board.end(ends)
        }

        expect(new Board(board.buffer).started()).to.have.deep.members([...running.values()])
      }),
    )
  })
})
