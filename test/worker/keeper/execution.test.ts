import { expect } from 'chai'
import { Board } from '../../../src/worker/keeper/board.js'
import { execute } from '../../../src/worker/keeper/execution.js'
import type { Verdict } from '../../../src/worker/keeper/overrun.js'
import { aLog } from '../../app/an-app.js'

const STACK = '    at spin (/app/tasks.js:4:9)'

/** What was done, in order, and what was said. */
async function executed(found: 'task' | 'no-task' | 'unknown', settled: 'settled' | 'lost' = 'settled', isStillBlocked = true) {
  const board = new Board(4)
  for (const [position, id] of ['a', 'b', 'c'].entries()) board.start('1/1', position, id, 'kuma.nap', Date.now() - 60_000)
  const verdict: Verdict = found === 'task' ? { kind: 'task', task: board.started()[0]!, limit: 2 } : { kind: found }
  const done: string[] = []
  const { log, lines } = aLog()
  const act = {
    settle: async () => {
      done.push('settle')
      return settled
    },
    resign: async () => void done.push('resign'),
  }
  const parts = {
    board,
    log,
    act,
    stop: async () => void done.push('stop'),
    end: async () => void done.push(`end after ${lines.length} line`),
  }
  await execute(parts, verdict, { id: null, stack: STACK, isDebugged: false }, () => isStillBlocked)
  return { done, lines: lines.map(({ level, text }) => `${level}: ${text}`), fields: lines[0]?.fields }
}

describe('the end of a process that is blocked', () => {
  it('comes last: the task is settled, the rest given back, and the log knows', async () => {
    const { done, lines, fields } = await executed('task')

    expect(done).to.deep.equal(['settle', 'stop', 'resign', 'end after 1 line'])
    expect(lines).to.deep.equal([
      'critical: Task kuma.nap[a] blocks the event loop beyond its time limit of 2 s: it has failed, and 2 others go back; this process ends',
    ])
    expect(fields).to.deep.equal({ task: 'kuma.nap', id: 'a', stack: STACK })
  })

  it('does not come when the loop turned while the failure was stored', async () => {
    const { done, lines } = await executed('task', 'settled', false)

    expect(done).to.deep.equal(['settle'])
    expect(lines).to.have.length(1)
    expect(lines[0]).to.match(/^warning: .* so this process goes on$/)
  })

  it('gives nothing back that others have already', async () => {
    const { done, lines } = await executed('task', 'lost')

    expect(done).to.deep.equal(['settle', 'stop', 'end after 1 line'])
    expect(lines[0]).to.match(/and the lease is lost; this process ends$/)
  })

  it('gives all back when no task is to blame, and leaves all to whoever finds it when it may be any', async () => {
    const [none, any] = [await executed('no-task'), await executed('unknown')]

    expect(none.done).to.deep.equal(['stop', 'resign', 'end after 1 line'])
    expect(any.done).to.deep.equal(['stop', 'end after 1 line'])
  })
})
