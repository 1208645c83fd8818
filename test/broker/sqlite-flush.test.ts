import fs, { mkdtempSync, rmSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { openBroker } from '../../src/broker/open.js'

describe('a disk that does not confirm what was written', () => {
  const flush = fs.fdatasyncSync
  const folder = mkdtempSync(join(tmpdir(), 'celerity-flush-'))
  afterEach(() => {
    fs.fdatasyncSync = flush
    syncBuiltinESMExports()
    rmSync(folder, { recursive: true })
  })

  it('leaves in doubt what was sent: it is there, once, and nobody is told that it is not', async () => {
    const broker = await openBroker(`sqlite:${folder}/tasks.db`, {})
    fs.fdatasyncSync = () => {
      throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO', syscall: 'fdatasync' })
    }
    syncBuiltinESMExports()

    const sent = await Promise.allSettled(['a', 'b'].map((raw) => broker.publish([{ queue: 'celery', priority: 0, raw }])))

    expect(sent.map((one) => one.status === 'rejected' && one.reason.code)).to.deep.equal(['E_PUBLISH_TIMEOUT', 'E_PUBLISH_TIMEOUT'])
    expect((await broker.queues.peek('celery', 9)).map(String)).to.deep.equal(['a', 'b'])
    await broker.close()
  })
})
