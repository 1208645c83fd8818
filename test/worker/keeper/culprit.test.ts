import { expect } from 'chai'
import { Board } from '../../../src/worker/keeper/board.js'
import { culprit } from '../../../src/worker/keeper/culprit.js'

/** A board whose event loop has not turned for that long. */
function blockedFor(seconds: number): Board {
  const board = new Board(10)
  const floats = new Float64Array(board.buffer)
  floats[3] = (floats[3] as number) - seconds * 1000
  return board
}

describe('which task blocks the event loop', () => {
  it('is the one that began last, when nothing has turned since', () => {
    const board = blockedFor(12)
    board.start('1/1', 0, 'old', 'kuma.nap', Date.now() - 60_000)
    board.start('1/1', 1, 'new', 'kuma.block', Date.now() - 12_000)

    expect(culprit(board)).to.equal('the event loop is blocked by task kuma.block[new] for 12 s')
  })

  it('is the one that has held the loop since it was called, for certain', () => {
    const board = blockedFor(12)
    const slot = board.start('1/1', 0, 'old', 'kuma.block', Date.now() - 60_000)
    board.start('1/1', 1, 'new', 'kuma.nap', Date.now() - 12_000)
    board.enter(slot, null)

    expect(culprit(board, { id: 'new', stack: '', isDebugged: false })).to.equal(
      'the event loop is blocked by task kuma.block[old] for 12 s',
    )
  })

  it('is the one that the main thread names, or no task', () => {
    const board = blockedFor(12)
    board.start('1/1', 0, 'old', 'kuma.block', Date.now() - 60_000)
    board.start('1/1', 1, 'new', 'kuma.nap', Date.now() - 12_000)

    expect(culprit(board, { id: 'old', stack: '', isDebugged: false })).to.equal(
      'the event loop is blocked by task kuma.block[old] for 12 s',
    )
    expect(culprit(board, { id: null, stack: '', isDebugged: false })).to.equal('the event loop is blocked for 12 s')
  })

  it('is the only one there is', () => {
    const board = blockedFor(12)
    board.start('1/1', 0, 'old', 'kuma.nap', Date.now() - 60_000)

    expect(culprit(board)).to.equal('the event loop is blocked by task kuma.nap[old] for 12 s')
  })

  it('may be any of those that began long before', () => {
    const board = blockedFor(3)
    for (const n of [5, 4, 3, 2, 1]) board.start('1/1', n, `t${n}`, 'kuma.nap', Date.now() - 60_000 - n)

    expect(culprit(board)).to.equal('the event loop is blocked by one of kuma.nap[t5], kuma.nap[t4], kuma.nap[t3] and 2 more for 3 s')
  })

  it('is none, where something else does', () => {
    expect(culprit(blockedFor(2))).to.equal('the event loop is blocked for 2 s')
  })
})
