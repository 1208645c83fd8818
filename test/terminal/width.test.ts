import { expect } from 'chai'
import fc from 'fast-check'
import { safe } from '../../src/terminal/safe.js'
import { cut, padded, widthOf, wrap } from '../../src/terminal/width.js'

describe('the width of text on a terminal', () => {
  const widths: readonly (readonly [string, number])[] = [
    ['', 0],
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['日本語', 6],
    ['ｶﾅ', 2],
    ['한국', 4],
    ['…', 1],
    ['🎉', 2],
    ['❤\ufe0f', 1],
    ['Ａ', 2],
  ]
  for (const [text, width] of widths) {
    it(`is ${width} for ${JSON.stringify(text)}`, () => {
      expect(widthOf(text)).equal(width)
    })
  }

  it('fills and cuts to exactly what is asked for, on either side', () => {
    expect(padded('ab', 4)).equal('ab  ')
    expect(padded('ab', 4, 'right')).equal('  ab')
    expect(padded('abcdef', 4)).equal('abc…')
    expect(padded('日本語', 4)).equal('日… ')
    expect(cut('abcd', 4)).equal('abcd')
    expect(cut('abcd', 0)).equal('')
  })

  it('is never exceeded, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.integer({ min: 1, max: 30 }), (text, width) => {
        const shown = safe(text)
        expect(widthOf(padded(shown, width))).equal(width)
        expect(widthOf(cut(shown, width))).at.most(width)
        for (const line of wrap(shown, width, 5)) expect(widthOf(line)).at.most(Math.max(2, width))
      }),
    )
  })

  it('bounds accents that stand on one character', () => {
    expect(cut(`x${'\u0301'.repeat(10_000)}`, 10).length).below(50)
  })

  it('wraps all of a text, and marks where the lines that are allowed do not suffice', () => {
    expect(wrap('abcdefgh', 3, 9)).deep.equal(['abc', 'def', 'gh'])
    expect(wrap('', 3, 9)).deep.equal([''])
    expect(wrap('abcdefgh', 3, 2)).deep.equal(['abc', 'de…'])
  })
})
