import { expect } from 'chai'
import fc from 'fast-check'
import { isFor, matchesGlob } from '../../src/control/pattern.js'
import type { ControlRequest } from '../../src/protocol/control.js'

const ping = (rest: Partial<ControlRequest>): ControlRequest => ({ method: 'ping', arguments: {}, ...rest })

describe('whom a request is for', () => {
  it('is everybody, whoever is named, or whoever the pattern matches', async () => {
    const cases: [Partial<ControlRequest>, boolean][] = [
      [{}, true],
      [{ destination: ['w1@host1', 'w2@host1'] }, true],
      [{ destination: ['w2@host1'] }, false],
      [{ destination: ['w2@host1'], pattern: '*', matcher: 'glob' }, false],
      [{ destination: ['w1@host1'], pattern: 'x', matcher: 'glob' }, true],
      [{ pattern: 'w*@host1', matcher: 'glob' }, true],
      [{ pattern: 'w', matcher: 'glob' }, false],
      [{ pattern: 'w\\d@', matcher: 'pcre' }, true],
      [{ pattern: 'host', matcher: 'pcre' }, false],
      [{ pattern: '.*host1$', matcher: 'pcre' }, true],
      [{ pattern: 'x' }, true],
    ]

    for (const [rest, expected] of cases) expect(await isFor(ping(rest), 'w1@host1'), JSON.stringify(rest)).to.equal(expected)
  })

  it('is nobody when the expression is refused, or would take long (M20)', async () => {
    const node = `${'a'.repeat(250)}!`
    for (const pattern of [
      '(a+)+$',
      '(a|a)*$',
      '(?=a)',
      '(a)\\1',
      '(',
      '(a?){1000}'.repeat(20),
      '((a{50}){50}){50}',
      '(a{1000}){1000}',
      'a{',
    ]) {
      const began = performance.now()

      expect(await isFor(ping({ pattern, matcher: 'pcre' }), node), pattern).to.equal(false)

      expect(performance.now() - began, pattern).to.be.below(500)
    }
  })

  it('takes globs as Python does', () => {
    const cases: [string, string, boolean][] = [
      ['w?@h', 'w1@h', true],
      ['w?@h', 'w12@h', false],
      ['w[0-3]@h', 'w2@h', true],
      ['w[0-3]@h', 'w4@h', false],
      ['w[!0-3]@h', 'w4@h', true],
      ['w[]]@h', 'w]@h', true],
      ['w[!]]@h', 'w]@h', false],
      ['w[ab', 'w[ab', true],
      ['w[a-]', 'w-', true],
      ['', '', true],
      ['', 'w', false],
      ['*', '', true],
      ['a.c', 'abc', false],
    ]

    for (const [glob, text, expected] of cases) expect(matchesGlob(glob, text), `${glob} ${text}`).to.equal(expected)
    expect(matchesGlob('*a'.repeat(120), 'a'.repeat(255))).to.equal(true)
    expect(matchesGlob(`${'*a'.repeat(120)}b`, 'a'.repeat(255))).to.equal(false)
  })

  it('answers for any glob and any name', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (glob, text) => void matchesGlob(glob, text)))
    fc.assert(fc.property(fc.stringMatching(/^[a-z@.]*$/), (text) => matchesGlob(text, text)))
  })
})
