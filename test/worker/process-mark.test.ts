import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect } from 'chai'
import { isRunningHere, processMark } from '../../src/worker/process-mark.js'
import { eventually } from '../eventually.js'

describe('the mark of a process', () => {
  before(function () {
    if (!existsSync('/proc/self/stat')) this.skip()
  })

  it('tells that it lives', () => {
    expect(isRunningHere(processMark())).to.equal(true)
  })

  it('is not that of another boot, of another process with the same number, or of nobody', () => {
    const [boot, pid, started] = (processMark() ?? '').split(' ')
    const others = [
      `another ${pid} ${started}`,
      `${boot} ${pid} 1`,
      `${boot} 999999999 ${started}`,
      `${boot} ../self ${started}`,
      '',
      ' ',
      null,
    ]

    expect(others.filter(isRunningHere)).to.deep.equal([])
  })

  it('tells of one that is stopped that it lives, and that it does not when it was killed, noticed or not', async () => {
    const code = `import(${JSON.stringify(new URL('../../src/worker/process-mark.ts', import.meta.url).href)}).then((m) => console.log(m.processMark()))`
    const child = spawn(process.execPath, ['--import', 'tsx', '-e', `${code}; setInterval(() => {}, 1000)`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    const mark = await new Promise<string>((resolve) => child.stdout.once('data', (line) => resolve(String(line).trim())))

    child.kill('SIGSTOP')
    expect(isRunningHere(mark)).to.equal(true)
    child.kill('SIGKILL')
    await eventually(() => !isRunningHere(mark))
    await ended
    expect(isRunningHere(mark)).to.equal(false)
  })
})
