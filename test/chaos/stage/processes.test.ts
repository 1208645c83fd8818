import { tmpdir } from 'node:os'
import { expect } from 'chai'
import { eventually } from '../../eventually.js'
import { commandsOf } from '../../setup/process-group.js'
import { GroupProcess } from './processes.js'

const start = (script: string) => new GroupProcess('shell', '/bin/sh', ['-c', script], { cwd: tmpdir(), env: process.env })

describe('a process of a scenario', () => {
  it('takes what it has started with it when it ends by itself, and is not signalled any more: its number may be of another one', async () => {
    const shell = start('sleep 600 & echo started; exit 3')

    // The one it left behind holds its pipes: only when that is gone too has it ended.
    expect(await shell.ended).to.deep.equal({ code: 3, signal: null })
    expect(shell.output).to.equal('started\n')
    await eventually(() => commandsOf(shell.pid).length === 0)

    shell.signal('SIGKILL')
    await shell.end()
    expect(shell.isAlive).to.equal(false)
  })

  it('ends with its group, whatever state that is in', async () => {
    const shell = start('sleep 600 & echo started; wait')
    await shell.said(/started/)
    shell.signal('SIGSTOP')
    await shell.end()

    expect(await shell.ended).to.deep.equal({ code: null, signal: 'SIGKILL' })
    await eventually(() => commandsOf(shell.pid).length === 0)
  })
})
