import { expect } from 'chai'
import { CelerityError } from '../../src/errors.js'
import { parseRedisUrl } from '../../src/redis/address.js'

describe('a Redis URL', () => {
  it('names a server and a database; what is left out is port 6379 and database 0', () => {
    expect(parseRedisUrl('redis://localhost', 'E_BROKER_UNREACHABLE')).to.include({ db: 0, server: 'redis://localhost:6379' })
    expect(parseRedisUrl('rediss://me:secret@host:7000/3', 'E_BROKER_UNREACHABLE')).to.include({ db: 3, server: 'rediss://host:7000' })
  })

  it('may name sentinels, in our form or in that of Celery; the same set asked for the same name is the same server', () => {
    const ours = parseRedisUrl('sentinel://me:p%40ss@h1:26379,h2,[::1]:7000/3?master=kuma&sentinelPassword=s', 'E_BROKER_UNREACHABLE')
    const celerys = parseRedisUrl(
      'sentinel://me:p%40ss@h2/3;sentinel://[::1]:7000;sentinel://h1:26379/3?master=kuma&sentinelPassword=s',
      'E_BROKER_UNREACHABLE',
    )
    const hosts = [
      { host: 'h1', port: 26379 },
      { host: 'h2', port: 26379 },
      { host: '::1', port: 7000 },
    ]
    expect(ours.sentinels).to.deep.include({ hosts, db: 3, master: 'kuma', username: 'me', password: 'p@ss', sentinelPassword: 's' })
    expect(celerys.sentinels).to.deep.include({ db: 3, master: 'kuma', username: 'me', password: 'p@ss', sentinelPassword: 's' })
    expect(ours.server)
      .to.equal(celerys.server)
      .and.not.to.equal(parseRedisUrl('sentinel://h1,h2,[::1]:7000/3?master=other', 'E_BROKER_UNREACHABLE').server)
    expect(ours.server).not.to.match(/me|p@ss|p%40ss/)
  })

  it('of sentinels is refused without the name of the server, without a sentinel, and with two databases', () => {
    const refused = [
      'h1:26379/0',
      '/0?master=kuma',
      'h1,,h2?master=kuma',
      'h1/queue?master=kuma',
      'h1;sentinel://h2/3?master=kuma',
      'h1?master=kuma&tls=yes',
    ]
    for (const rest of refused) {
      expect(
        refusal(() => parseRedisUrl(`sentinel://:secret@${rest}`, 'E_BROKER_UNREACHABLE')),
        rest,
      ).to.equal('E_BROKER_URL')
    }
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
