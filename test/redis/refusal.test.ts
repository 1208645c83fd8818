import { expect } from 'chai'
import { discardedFor, refusalOf } from '../../src/redis/refusal.js'

describe('an error that Redis answers with', () => {
  const of = (message: string) => refusalOf(Object.assign(new Error(message), { name: 'ReplyError' }))

  it('is "not yet" where the server will serve by itself', () => {
    const replies = [
      'LOADING Redis is loading the dataset in memory',
      'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
      "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. script: 1f, on @user_script:5.",
      "READONLY You can't write against a read only replica.",
      "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
      'TRYAGAIN Multiple keys request during rehashing of slot',
      'CLUSTERDOWN The cluster is down',
      'NOREPLICAS Not enough good replicas to write.',
      'ERR max number of clients reached',
      'ERR Error running script (call to f_1f): @user_script:6: @user_script: 6: -MISCONF Redis is configured to save RDB snapshots',
      'ERR Error running script (call to f_1f): @user_script:5: Script killed by user with SCRIPT KILL...',
    ]

    expect(replies.filter((reply) => of(reply) !== 'not-yet')).to.deep.equal([])
  })

  it('is "denied" where a person has to do something', () => {
    const replies = [
      'WRONGPASS invalid username-password pair or user is disabled.',
      'NOAUTH Authentication required.',
      "NOPERM this user has no permissions to run the 'evalsha' command",
      'DENIED Redis is running in protected mode because protected mode is enabled',
      "ERR unknown command 'EVALSHA', with args beginning with: ",
      'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
      'ERR invalid password',
      "ERR The user executing the script can't run this command or subcommand script: 1f, on @user_script:5.",
    ]

    expect(replies.filter((reply) => of(reply) !== 'denied')).to.deep.equal([])
  })

  it('is "full" at maxmemory, in a script too, and else a no', () => {
    expect(of("OOM command not allowed when used memory > 'maxmemory'.")).to.equal('full')
    expect(of('ERR Error running script (call to f_1f): @user_script:5: @user_script: 5: -OOM command not allowed')).to.equal('full')
    expect(of('WRONGTYPE Operation against a key holding the wrong kind of value')).to.equal('no')
    expect(of('ERR Protocol error: invalid bulk length')).to.equal('no')
  })

  it('for a transaction is what its commands were answered', () => {
    const moved = new Error('MOVED 3 127.0.0.1:7001')
    const discarded = Object.assign(new Error('EXECABORT Transaction discarded because of previous errors.'), { previousErrors: [moved] })
    expect(discardedFor(discarded)).to.equal(moved)
    expect(discardedFor(moved)).to.equal(moved)
  })

  it('is none where the connection broke', () => {
    expect(refusalOf(new Error('Connection is closed.'))).to.equal(null)
    expect(refusalOf('LOADING')).to.equal(null)
  })
})
