import { expect } from 'chai'
import fc from 'fast-check'
import { usableCpus } from '../../src/config/cpus.js'
import { flag, list, oneOf, optional, show, span, text, whole } from '../../src/config/kinds.js'
import { camel, nearest, snake } from '../../src/config/spelling.js'
import { annotations, queues, rateLimit, routes } from '../../src/config/task-kinds.js'

const value = (read: { ok: boolean; value?: unknown }) => (read.ok ? read.value : 'refused')

describe('kinds of settings', () => {
  it('read the same value from text as from a value', () => {
    fc.assert(fc.property(fc.nat(), (number) => value(whole(0).readText(String(number))) === number))
    fc.assert(
      fc.property(fc.nat(1e9), (number) => value(span().readText(`${number}s`)) === number && value(span().read(number)) === number),
    )
  })

  it('never throw, whatever they are given', () => {
    const kinds = [
      flag(),
      whole(1),
      span(),
      oneOf(['a']),
      optional(span()),
      list(text('x'), 'x'),
      queues(),
      routes(),
      annotations(),
      rateLimit(),
    ]

    fc.assert(
      fc.property(fc.anything(), fc.string(), (given, written) => {
        for (const kind of kinds) {
          kind.read(given)
          kind.readText(written)
        }
      }),
    )
  })

  it('read lists with commas or as JSON', () => {
    const names = list(text('a name'), 'names')

    expect(value(names.readText('a, b,,c '))).deep.equal(['a', 'b', 'c'])
    expect(value(names.readText('["a", "b"]'))).deep.equal(['a', 'b'])
    expect(names.readText('["a", 1]')).deep.equal({ ok: false, expected: 'a name', got: '1', at: '[1]' })
  })

  it('read queues as names, objects or a mapping', () => {
    expect(value(queues().read(['a', { name: 'b' }]))).deep.equal([{ name: 'a' }, { name: 'b' }])
    expect(value(queues().read({ a: {}, b: null }))).equal('refused')
    expect(value(queues().read({ a: {}, b: {} }))).deep.equal([{ name: 'a' }, { name: 'b' }])
    expect(queues().read([{ nam: 'a' }])).deep.include({ at: '[0].nam' })
  })

  it('read routes as an object, a function, a list of them, or pairs', () => {
    const byName = () => 'mail'

    expect(value(routes().read({ a: 'x', 'b.*': { queue: 'y', priority: 3 } }))).deep.equal([
      { a: { queue: 'x' }, 'b.*': { queue: 'y', priority: 3 } },
    ])
    expect(value(routes().read([byName, ['a', 'x']]))).deep.equal([byName, { a: { queue: 'x' } }])
    expect(routes().read([{ a: { priority: -1 } }])).deep.include({ ok: false, at: '[0].a.priority' })
  })

  it('keep a task named like a part of every object as any other', () => {
    const read = routes().readText('{"__proto__": "x"}')

    expect(read.ok && Object.entries(read.value[0]!)).deep.equal([['__proto__', { queue: 'x' }]])
  })

  it('read rates as Celery writes them', () => {
    expect(['60/m', 10, '1.5/s', '100 / h', '0', '5/d', 'x'].map((given) => value(rateLimit().read(given)))).deep.equal([
      '60/m',
      '10/s',
      '1.5/s',
      '100/h',
      '0/s',
      'refused',
      'refused',
    ])
  })

  it("read task annotations in Celery's spelling", () => {
    expect(value(annotations().read({ '*': { rate_limit: '10/m', acks_late: false } }))).deep.equal({
      '*': { rateLimit: '10/m', acks: 'early' },
    })
  })

  it('show what they got in a few characters', () => {
    expect(show('x'.repeat(500)).length).equal(60)
    expect(show(() => 1)).equal('a function')
    expect(show(new Map())).equal('an object of class Map')
    expect(show(10n)).equal('a bigint')
  })
})

describe('spellings', () => {
  it('turn camelCase into snake_case and back', () => {
    const name = fc.stringMatching(/^[a-z]{1,8}([A-Z][a-z]{1,6}){0,3}$/)

    fc.assert(fc.property(name, (one) => camel(snake(one)) === one))
  })

  it('find the name that was meant', () => {
    const known = ['brokerUrl', 'workerConcurrency', 'taskAlwaysEager']

    expect(['broker_ulr', 'workerConcurency', 'TASK_ALWAYS_EAGRE', 'colour'].map((name) => nearest(name, known))).deep.equal([
      'brokerUrl',
      'workerConcurrency',
      'taskAlwaysEager',
      null,
    ])
  })
})

describe('usable CPUs', () => {
  const files = (contents: Record<string, string>) => (path: string) => contents[path] ?? null

  const cases: [string, Record<string, string>, number][] = [
    ['all where there is no limit', { 'cpu.max': 'max 100000' }, 64],
    ['the quota of cgroup v2, rounded up', { 'cpu.max': '150000 100000\n' }, 2],
    ['at least one', { 'cpu.max': '10000 100000' }, 1],
    ['the quota of cgroup v1', { 'cpu/cpu.cfs_quota_us': '400000', 'cpu/cpu.cfs_period_us': '100000' }, 4],
    ['all where cgroup v1 says no limit', { 'cpu/cpu.cfs_quota_us': '-1', 'cpu/cpu.cfs_period_us': '100000' }, 64],
    ['all where nothing is known', {}, 64],
  ]
  for (const [title, contents, expected] of cases) {
    it(`are ${title}`, () => {
      expect(usableCpus(files(contents), 64)).equal(expected)
    })
  }
})
