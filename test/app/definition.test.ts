import { expect } from 'chai'
import { Registry } from '../../src/app/registry.js'
import type { TaskOptions } from '../../src/app/task-options.js'
import { settingsOf } from '../../src/config/load.js'
import type { SettingsInput } from '../../src/config/schema.js'
import { isCelerityError } from '../../src/errors.js'
import { failureOf } from './an-app.js'

const handler = (x: number) => x

describe('defining a task', () => {
  const bad: [string, unknown, string][] = [
    ['an unknown option', { quue: 'mail' }, 'task kuma.add: quue: there is no such option'],
    ['a queue without a name', { queue: '' }, 'queue: give the name of a queue'],
    ['a priority that is none', { priority: 'high' }, 'priority: give a whole number'],
    ['a rate that is none', { rateLimit: '60/fortnight' }, 'rateLimit: "60/fortnight" is no rate'],
    ['a scope that is none', { rateLimit: { rate: '1/s', scope: 'moon' } }, 'rateLimit: scope "moon"'],
    ['a limit that is no span', { timeLimit: 'soon' }, 'timeLimit: "soon" is no span of time'],
    ['a limit of nothing', { softTimeLimit: 0 }, 'softTimeLimit: must be above 0'],
    ['a soft limit above the hard one', { softTimeLimit: '1m', timeLimit: 30 }, 'softTimeLimit: 1m is not below timeLimit, 30'],
    ['a parameter named twice', { params: ['x', 'x'] }, 'params: names x twice'],
    ['a class where a list belongs', { retry: { on: TypeError } }, 'retry: retry.on is a class: give a list of classes'],
    ['a number of retries that cannot be', { retry: { max: -1 } }, 'retry: retry.max is -1'],
    ['acks that are none', { acks: 'never' }, "acks: give 'late' or 'early'"],
    ['a schema that is none', { schema: { parse() {} } }, 'schema: give a Standard Schema'],
    ['expected errors that are no classes', { throws: ['TypeError'] }, 'throws: give a list of error classes'],
  ]
  for (const [what, options, message] of bad) {
    it(`refuses ${what}, and names it`, async () => {
      const error = await failureOf(() => new Registry().add('kuma.add', options as TaskOptions, handler))

      expect(error.message).to.contain(message)
      expect(error.code).to.equal('E_TASK_DEFINITION')
    })
  }

  it('refuses names that could not travel, be printed, or be told from Celery’s own', async () => {
    for (const name of ['', 'two words', 'a\nb', 'x'.repeat(256), '\u001b[31m', 'celery.chord', 5, null]) {
      expect((await failureOf(() => new Registry().add(name as string, {}, handler))).code, String(name)).to.equal('E_TASK_DEFINITION')
    }
  })

  it('takes names in any script', () => {
    expect(new Registry().add('пошта.надіслати', {}, handler).name).to.equal('пошта.надіслати')
  })

  it('refuses a handler that is no function, and params that name too few of its parameters', async () => {
    expect((await failureOf(() => new Registry().add('kuma.add', {}, {}))).message).to.contain('the handler is object, not a function')
    const two = (x: number, y: number) => x + y
    expect((await failureOf(() => new Registry().add('kuma.add', { params: ['x'] }, two))).message).to.contain(
      'params names 1 of the 2 parameters',
    )
  })

  it('refuses an optional parameter before one that is needed', async () => {
    const two = (x: number, y: number) => x + y

    expect((await failureOf(() => new Registry().add('kuma.add', { params: ['x?', 'y'] }, two))).message).to.contain(
      'params marks x? but needs one after it',
    )
  })
})

describe('the registry', () => {
  it('refuses a name that is taken by another handler', async () => {
    const registry = new Registry()
    registry.add('kuma.add', {}, handler, 'tasks.ts:3')

    const error = await failureOf(() => registry.add('kuma.add', {}, (y: string) => y, 'more.ts:9'))

    expect(error.message).to.equal('task kuma.add is registered already (at tasks.ts:3), again at more.ts:9')
    expect(error.hint).to.contain('another name')
  })

  it('says so when it looks like one module loaded twice', async () => {
    const make = () => (x: number) => x * 2
    const registry = new Registry()
    registry.add('kuma.double', {}, make())

    const error = await failureOf(() => registry.add('kuma.double', {}, make()))

    expect(isCelerityError(error)).to.equal(true)
    expect(error.hint).to.contain('loaded twice')
  })

  it('lists names in order', () => {
    const registry = new Registry()
    registry.add('b', {}, handler)
    registry.add('a', {}, handler)

    expect(registry.names()).to.deep.equal(['a', 'b'])
  })
})

describe('the policy of a task', () => {
  const policy = (options: TaskOptions, settings: SettingsInput = {}) => {
    const registry = new Registry()
    registry.add('mail.send', options, handler)
    registry.configure(settingsOf({ brokerUrl: 'memory://', resultBackend: 'memory://', ...settings }))
    return registry.get('mail.send')!.policy
  }

  it('has the defaults of Celery, but for acks', () => {
    expect(policy({})).to.deep.include({
      ...{ queue: null, priority: null, softTimeLimit: null, timeLimit: null, rateLimit: null, acks: 'late', ignoreResult: false },
      ...{ trackStarted: false, throws: [], expires: null, compression: null },
    })
    expect(policy({}).retry).to.deep.include({ max: 3, backoff: 0, backoffMax: 600, jitter: true, delay: 180 })
    expect(policy({}).retry.retries(new Error('x'))).to.equal(false)
  })

  it('takes spans with units', () => {
    expect(policy({ softTimeLimit: '20s', timeLimit: '1m', expires: '1h', retry: { delay: '5m', backoff: '2s' } })).to.deep.include({
      ...{ softTimeLimit: 20, timeLimit: 60, expires: 3600 },
    })
    expect(policy({ retry: { delay: '5m', backoff: '2s' } }).retry).to.deep.include({ delay: 300, backoff: 2 })
  })

  it('lets settings say what a task does not', () => {
    const settings: SettingsInput = {
      taskTimeLimit: 60,
      taskAcks: 'early',
      taskMaxRetries: null,
      taskDefaultRetryDelay: 5,
      taskDefaultRateLimit: '10/s',
      workerRateLimitScope: 'worker',
    }

    expect(policy({}, settings)).to.deep.include({
      timeLimit: 60,
      acks: 'early',
      rateLimit: { intervalMs: 100, scope: 'worker', text: '10/s' },
    })
    expect(policy({}, settings).retry).to.deep.include({ max: Number.POSITIVE_INFINITY, delay: 5 })
    expect(policy({ timeLimit: 5, acks: 'late', rateLimit: '60/m', retry: { max: 1 } }, settings)).to.deep.include({
      timeLimit: 5,
      acks: 'late',
    })
    expect(policy({ retry: { max: 1 } }, settings).retry.max).to.equal(1)
  })

  it('lets the operator have the last word: the exact name over globs, the later glob over the earlier', () => {
    const taskAnnotations = {
      'mail.send': { timeLimit: 9 },
      '*': { timeLimit: 1, rateLimit: '1/s', maxRetries: 7 },
      'mail.*': { timeLimit: 2, rateLimit: '2/s' },
      'other.*': { timeLimit: 3 },
    }

    const { timeLimit, rateLimit, retry } = policy(
      { timeLimit: 100, rateLimit: '100/s', retry: { max: 0, backoff: true } },
      { taskAnnotations },
    )

    expect([timeLimit, rateLimit?.text, retry.max, retry.backoff]).to.deep.equal([9, '2/s', 7, 1])
  })

  it('lets the operator take a limit away', () => {
    expect(policy({ rateLimit: '1/s', timeLimit: 5 }, { taskAnnotations: { '*': { rateLimit: null, timeLimit: null } } })).to.deep.include({
      ...{ rateLimit: null, timeLimit: null },
    })
  })

  it('holds for tasks that are registered after the settings were known', () => {
    const registry = new Registry()
    registry.configure(settingsOf({ brokerUrl: 'memory://', resultBackend: 'memory://', taskTimeLimit: 60 }))

    expect(registry.add('mail.send', {}, handler).policy.timeLimit).to.equal(60)
  })
})
