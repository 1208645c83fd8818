import { expect } from 'chai'
import fc from 'fast-check'
import { safe, safeJson, safeLines } from '../../src/terminal/safe.js'

describe('text from the wire', () => {
  const golden: [title: string, text: string, shown: string][] = [
    ['an escape sequence', 'a\x1b[31mred', 'a\\x1b[31mred'],
    ['a window title', '\x1b]0;owned\x07', '\\x1b]0;owned\\x07'],
    ['a C1 control sequence introducer', 'a\x9b2Jb', 'a\\x9b2Jb'],
    ['line breaks and tabs', 'a\r\nb\tc', 'a\\r\\nb\\tc'],
    ['a backspace and a delete', 'a\bb\x7f', 'a\\x08b\\x7f'],
    ['a right-to-left override', 'user\u202Etxt.exe', 'user\\u202etxt.exe'],
    ['an isolate', 'a\u2066b\u2069', 'a\\u2066b\\u2069'],
    ['what has no width', 'pay\u200Bpal\u2060\uFEFF', 'pay\\u200bpal\\u2060\\ufeff'],
    ['line separators of Unicode', 'a\u2028b\u2029', 'a\\u2028b\\u2029'],
    ['letters of the tag block', 'a\u{E0041}', 'a\\u{e0041}'],
    ['a filler that shows nothing', 'a\u3164b', 'a\\u3164b'],
    ['half of a surrogate pair', 'a\uD800b', 'a\\ud800b'],
  ]
  for (const [title, text, shown] of golden) {
    it(`shows ${title}`, () => {
      expect(safe(text)).equal(shown)
    })
  }

  it('is left alone where it is only text', () => {
    for (const text of ['kuma.add', 'Příliš žluťoučký', '日本語', 'مرحبا', '❤️ 🎉', 'C:\\tmp', '']) expect(safe(text)).equal(text)
  })

  it('never holds a character that a terminal obeys, and is the same when made safe again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(safe(text)).not.match(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]/u)
        expect(safe(safe(text))).equal(safe(text))
      }),
    )
  })

  it('keeps its lines where lines are meant', () => {
    expect(safeLines('Error: x\n\tat y\x1b[0m\r\nz')).equal('Error: x\n    at y\\x1b[0m\nz')
  })

  it('means the same as JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(safeJson(JSON.stringify(value)))).deep.equal(JSON.parse(JSON.stringify(value)))
      }),
    )
    expect(safeJson(JSON.stringify({ a: '\x9b\u202e\u{e0041}' }))).equal('{"a":"\\u009b\\u202e\\udb40\\udc41"}')
  })
})
