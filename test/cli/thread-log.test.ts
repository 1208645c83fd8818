import { expect } from 'chai'
import { openLog } from '../../src/cli/logging.js'
import { openTwin, twinOf, writeWhole } from '../../src/cli/thread-log.js'
import type { LogTwinModule } from '../../src/log.js'
import { paint, plain } from '../../src/terminal/colour.js'

const failing = (code: string) => Object.assign(new Error(code), { code })

describe('the log of a process, written by another thread', () => {
  it('is found by the module and the plain data that a log carries, its children too', async () => {
    const stream = { write: () => {} }
    const coloured = paint({ isTTY: true, allowed: true, env: {} })
    const log = await openLog({
      level: 'warning',
      format: 'text',
      stream,
      paint: plain,
      now: Date.now,
      twin: twinOf('warning', 'text', coloured),
    })

    const { module, options } = structuredClone(log.child({ a: 1 }).twin!)
    const twin = await ((await import(module)) as LogTwinModule).openTwin(options)

    expect(options).to.deep.equal({ level: 'warning', format: 'text', isColoured: true })
    expect([twin.enabled('info'), twin.enabled('warning')]).to.deep.equal([false, true])
  })

  it('opens whatever it is told', async () => {
    expect((await openTwin({ level: 'loud', format: 'text', isColoured: false })).enabled('info')).to.equal(true)
  })

  it('goes out whole, however little is taken at once, and waits a moment for whoever reads', () => {
    const written: string[] = []
    let calls = 0
    writeWhole(2, 'a line, müde\n', (fd, bytes) => {
      expect(fd).to.equal(2)
      if (calls++ % 2 === 0) throw failing('EAGAIN')
      const part = bytes.subarray(0, 4)
      written.push(Buffer.from(part).toString('latin1'))
      return part.byteLength
    })

    expect(Buffer.from(written.join(''), 'latin1').toString()).to.equal('a line, müde\n')
  })

  it('throws for nothing: closed, broken, or full for too long', () => {
    const tries: Record<string, number> = {}
    for (const code of ['EPIPE', 'EBADF', 'ENOSPC', 'EAGAIN']) {
      writeWhole(2, 'a line\n', () => {
        tries[code] = (tries[code] ?? 0) + 1
        throw failing(code)
      })
    }

    expect(tries).to.include({ EPIPE: 1, EBADF: 1, ENOSPC: 1 })
    expect(tries['EAGAIN']).to.be.within(2, 20)
  })
})
