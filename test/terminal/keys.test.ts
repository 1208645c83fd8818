import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { hearKeys, type Key } from '../../src/terminal/keys.js'
import { eventually } from '../eventually.js'

describe('keys', () => {
  const sequences: readonly (readonly [string, readonly Key[]])[] = [
    ['jG?', ['j', 'G', '?']],
    ['\x1b[A\x1b[B', ['up', 'down']],
    ['\x1bOA', ['up']],
    ['\x1b[5~\x1b[6~', ['pageup', 'pagedown']],
    ['\x1b[H\x1b[4~', ['home', 'end']],
    ['\r', ['enter']],
    ['\t\x1b[Z', ['tab', 'shift-tab']],
    ['\x03\x1a', ['ctrl-c', 'ctrl-z']],
    ['\x7f', ['backspace']],
    [' é日', [' ', 'é', '日']],
    ['\x1bx\x1b[99~', []],
  ]
  for (const [bytes, expected] of sequences) {
    it(`are ${JSON.stringify(expected)} for ${JSON.stringify(bytes)}`, () => {
      const { input, keys } = aKeyboard()

      input.emit('data', Buffer.from(bytes))

      expect(keys).deep.equal(expected)
    })
  }

  it('are Escape when nothing follows it', async () => {
    const { input, keys } = aKeyboard()

    input.emit('data', Buffer.from('\x1b'))
    await eventually(() => keys.length > 0, 5)

    expect(keys).deep.equal(['escape'])
  })

  it('are heard no more when that was asked for', () => {
    const { input, keys, stop } = aKeyboard()

    stop()
    input.emit('data', Buffer.from('j'))

    expect(keys).deep.equal([])
  })
})

function aKeyboard() {
  const input = new PassThrough()
  const keys: Key[] = []
  return { input, keys, stop: hearKeys(input, (key) => keys.push(key)) }
}
