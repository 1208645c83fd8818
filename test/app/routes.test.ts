import { expect } from 'chai'
import fc from 'fast-check'
import { globMatches } from '../../src/app/glob.js'
import { compileRoutes, routesToNothing } from '../../src/app/routes.js'

describe('globs', () => {
  it('match any text by *, one character by ?, and everything else by itself', () => {
    const matches: [string, string, boolean][] = [
      ['kuma.*', 'kuma.add', true],
      ['kuma.*', 'kuma.', true],
      ['kuma.*', 'kuma', false],
      ['*.add', 'kuma.add', true],
      ['k*a.*d', 'kuma.add', true],
      ['k*z*d', 'kuma.add', false],
      ['kuma.???', 'kuma.add', true],
      ['kuma.????', 'kuma.add', false],
      ['*', '', true],
      ['', 'x', false],
      ['kuma.add', 'kumaxadd', false],
      ['[k]uma.add', 'kuma.add', false],
    ]

    for (const [pattern, text, expected] of matches) expect(globMatches(pattern, text), `${pattern} ${text}`).to.equal(expected)
  })

  it('agree with a regular expression of the same meaning', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 12 })
    fc.assert(
      fc.property(letters, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 }), (pattern, text) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(text)

        expect(globMatches(pattern, text)).to.equal(expected)
      }),
    )
  })

  it('stay quick for patterns made to hurt', () => {
    const started = performance.now()

    expect(globMatches('a*'.repeat(50), `${'a'.repeat(5000)}b`)).to.equal(true)
    expect(globMatches(`${'a*'.repeat(50)}c`, 'a'.repeat(5000))).to.equal(false)

    expect(performance.now() - started).to.be.below(1000)
  })
})

describe('routes', () => {
  const none = {}

  it('know nothing when there are none', () => {
    expect(compileRoutes([])('kuma.add', [], none)).to.equal(null)
  })

  it('prefer the exact name to globs, and the earlier glob to the later', () => {
    const find = compileRoutes([{ '*': { queue: 'all' }, 'kuma.*': { queue: 'kuma' }, 'kuma.add': { queue: 'exact', priority: 3 } }])

    expect(find('kuma.add', [], none)).to.deep.equal({ queue: 'exact', priority: 3 })
    expect(find('kuma.mul', [], none)).to.deep.equal({ queue: 'all' })
  })

  it('ask one router after the other until one knows', () => {
    const find = compileRoutes([
      { 'mail.*': { queue: 'mail' } },
      (task) => (task === 'kuma.add' ? 'adding' : null),
      { '*': { queue: 'rest' } },
    ])

    expect(['mail.send', 'kuma.add', 'other'].map((task) => find(task, [], none)?.queue)).to.deep.equal(['mail', 'adding', 'rest'])
  })

  it('show a function the arguments of each call', () => {
    const find = compileRoutes([(_task, args, kwargs) => ({ queue: `${args[0]}-${kwargs['locale']}` })])

    expect(find('kuma.add', ['a'], { locale: 'de' })?.queue).to.equal('a-de')
    expect(find('kuma.add', ['b'], { locale: 'fr' })?.queue).to.equal('b-fr')
  })

  it('take no route from an object’s prototype', () => {
    expect(compileRoutes([{ a: { queue: 'a' } }])('constructor', [], none)).to.equal(null)
  })

  it('to no registered task are named; a function may send anything', () => {
    const routers = [
      { 'kuma.add': { queue: 'a' }, 'kuma.gone': { queue: 'b' }, 'mail.*': { queue: 'c' }, 'kuma.*': { queue: 'd' } },
      () => null,
    ]

    expect(routesToNothing(routers, ['kuma.add', 'kuma.sub'])).to.deep.equal(['kuma.gone', 'mail.*'])
  })
})
