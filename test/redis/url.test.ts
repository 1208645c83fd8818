import { expect } from 'chai'
import { CelerityError } from '../../src/errors.js'
import { parseRedisUrl } from '../../src/redis/address.js'

describe('a Redis URL', () => {
  it('names a server and a database; what is left out is port 6379 and database 0', () => {
    expect(parseRedisUrl('redis://localhost', 'E_BROKER_UNREACHABLE')).to.include({ db: 0, server: 'redis://localhost:6379' })
    expect(parseRedisUrl('rediss://me:secret@host:7000/3', 'E_BROKER_UNREACHABLE')).to.include({ db: 3, server: 'rediss://host:7000' })
  })

  it('that is none is refused in the name of who wanted it, its password masked', () => {
    for (const url of ['redis://me:secret@host/queue', 'redis://me:secret@host:70000']) {
      expect(refusal(() => parseRedisUrl(url, 'E_BROKER_UNREACHABLE'))).to.equal('E_BROKER_URL')
      expect(refusal(() => parseRedisUrl(url, 'E_RESULTS_UNREACHABLE'))).to.equal('E_RESULTS_URL')
    }
  })
})

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (!(error instanceof CelerityError)) throw error
    expect(error.message).not.to.include('secret')
    return error.code
  }
  throw new Error('it was taken')
}
