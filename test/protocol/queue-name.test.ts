import { expect } from 'chai'
import { Keys } from '../../src/broker/redis/keys.js'
import { namesOf } from '../../src/cli/queue-selection.js'
import { settingsOf } from '../../src/config/load.js'
import { Celerity } from '../../src/index.js'
import { queueNameProblem } from '../../src/protocol/queue-name.js'

describe('the name of a queue', () => {
  it('is any text, but for what on Redis would be a key of another queue, or of nobody', () => {
    const keys = new Keys('')
    const taken = [keys.delayed('q'), keys.delayedRaw('q'), keys.dead('q'), ...keys.suspects('q'), ...keys.lists('q').slice(1)]
    const ours = [keys.registry, keys.queues, keys.lane('i'), keys.unacked, keys.unackedIndex, keys.unackedMutex, keys.bindings('q')]
    const none = ['', ' ', ' mail', 'mail ', 'a\n']

    for (const name of [...taken, ...ours, ...none]) expect(queueNameProblem(name), name).to.contain('is no name of a queue')
    expect(queueNameProblem('mail.dead')).to.contain('where the dead letters of the queue mail would be')
    for (const name of ['celery', 'dead', '.dead', 'mail.deadline', 'delayed.mail', 'Grüße, Welt', 'unacked2', 'a:b'])
      expect(queueNameProblem(name), name).to.equal(null)
  })

  it('is looked at wherever a queue is named: by settings, tasks, calls and on the command line', async () => {
    const app = new Celerity('kuma', { brokerUrl: 'memory://' })
    const add = app.task('kuma.add', () => {})

    for (const settings of [{ taskDefaultQueue: 'a.dead' }, { taskQueues: ['a.dead'] }, { taskRoutes: [{ x: 'a.dead' }] }] as const)
      expect(() => settingsOf(settings)).to.throw('dead letters of the queue a')
    expect(() => app.task('kuma.sub', { queue: 'a.suspects' }, () => {})).to.throw('to be run alone of the queue a')
    expect(() => namesOf(['mail', 'mail.delayed'])).to.throw('kept for later of the queue mail')
    let error: unknown
    await add.applyAsync([], { queue: 'a.dead' }).catch((caught: unknown) => {
      error = caught
    })
    expect(error).to.include({ code: 'E_ARGUMENTS' })
    await app.close()
  })
})
