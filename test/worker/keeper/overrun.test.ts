import { expect } from 'chai'
import { Board, type OnBoard } from '../../../src/worker/keeper/board.js'
import { type Blockage, isOverrun, verdictOn } from '../../../src/worker/keeper/overrun.js'
import type { Sighting } from '../../../src/worker/keeper/probe.js'

const LIMIT_MS = 600_000

function task(id: string, limits: Partial<OnBoard> = {}): OnBoard {
  return { lane: '1/1', position: 0, id, name: `kuma.${id}`, since: 0, size: 1, limitMs: null, overdueMs: 0, ...limits }
}
const overdue = (id: string) => task(id, { limitMs: 2_000, overdueMs: 500 })
const within = (id: string) => task(id, { limitMs: 2_000, overdueMs: -500 })
const seen = (id: string | null): Sighting => ({ id, stack: '', isDebugged: false })

function blockage(running: readonly OnBoard[], blockedMs = 1_500, entered?: OnBoard): Blockage {
  return { running, entered, blockedMs }
}
const verdict = (found: Blockage, sighting: Sighting | null = null) => {
  const answer = isOverrun(found, LIMIT_MS) ? verdictOn(found, LIMIT_MS, sighting) : null
  return answer?.kind === 'task' ? [answer.task.id, answer.limit] : (answer?.kind ?? null)
}

describe('a task that blocks the event loop', () => {
  it('is let be while it is within its limit, or has none and has not blocked for too long', () => {
    expect(verdict(blockage([within('a')]), seen('a'))).to.equal(null)
    expect(verdict(blockage([task('a')], LIMIT_MS - 1), seen('a'))).to.equal(null)
    expect(verdict(blockage([]), seen(null))).to.equal(null)
  })

  it('gets the moment that the worker needs to end it by itself', () => {
    expect(verdict(blockage([task('a', { limitMs: 2_000, overdueMs: 90 })]), seen('a'))).to.equal(null)
  })

  it('is condemned beyond its own limit, or beyond that of all', () => {
    expect(verdict(blockage([overdue('a'), task('b')]), seen('a'))).to.deep.equal(['a', 2])
    expect(verdict(blockage([task('a'), task('b')], LIMIT_MS), seen('b'))).to.deep.equal(['b', 600])
    expect(verdict(blockage([within('a')], LIMIT_MS), seen('a'))).to.deep.equal(['a', 600])
  })

  it('is known without an answer when it has held the loop since it was called, or is alone', () => {
    const a = overdue('a')
    expect(verdict(blockage([task('b'), a], 1_500, a))).to.deep.equal(['a', 2])
    expect(verdict(blockage([a]))).to.deep.equal(['a', 2])
  })

  it('is not condemned for a neighbour, however long that one is overdue', () => {
    const blocks = task('a')
    expect(verdict(blockage([blocks, overdue('b')]), seen('a'))).to.equal(null)
    expect(verdict(blockage([blocks, overdue('b')], 1_500, blocks))).to.equal(null)
    expect(verdict(blockage([overdue('b')]), seen(null))).to.equal(null)
  })

  it('is nobody for certain when several run and the main thread does not answer: no task is condemned then', () => {
    expect(verdict(blockage([overdue('a'), overdue('b')]))).to.equal(null)
    expect(verdict(blockage([overdue('a'), overdue('b')], LIMIT_MS))).to.equal('unknown')
    expect(verdict(blockage([overdue('a'), overdue('a')], LIMIT_MS), seen('a'))).to.equal('unknown')
  })

  it('may be no task at all, or one that was given up', () => {
    expect(verdict(blockage([task('a')], LIMIT_MS), seen(null))).to.equal('no-task')
    expect(verdict(blockage([task('a')], LIMIT_MS), seen('given-up'))).to.equal('no-task')
    expect(verdict(blockage([], LIMIT_MS))).to.equal('no-task')
  })

  it('is known by an id that the board cuts, or has no letters for', () => {
    for (const id of ['€-1', 'a'.repeat(255)]) {
      const board = new Board(2)
      board.start('1/1', 0, id, 'kuma.block', 0)
      board.start('1/1', 1, 'another', 'kuma.good', 0)

      expect(verdict(blockage(board.started(), LIMIT_MS), seen(id)), id).to.deep.equal([board.started()[0]?.id, 600])
    }
  })

  it('is not judged while somebody debugs the process', () => {
    expect(verdict(blockage([overdue('a')], LIMIT_MS), { ...seen('a'), isDebugged: true })).to.equal(null)
  })

  it('without a limit of all is judged by its own alone', () => {
    expect(isOverrun(blockage([task('a')], 1e12), 0)).to.equal(false)
    expect(verdictOn(blockage([overdue('a')], 1e12), 0, seen('a'))).to.include({ kind: 'task', limit: 2 })
    expect(verdictOn(blockage([task('a')], 1e12), 0, seen('a'))).to.equal(null)
  })
})
