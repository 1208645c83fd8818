import { expect } from 'chai'
import { remoteControl } from '../../src/config/worker-kinds.js'

describe('remote control, as a setting', () => {
  it('is a word, or as Celery says it', () => {
    const kind = remoteControl()
    const read = (given: unknown) => {
      const result = kind.read(given)
      return result.ok ? result.value : result.expected
    }

    expect(['off', 'inspect', 'Full', true, false, 'true', 'no'].map(read)).to.deep.equal([
      ...['off', 'inspect', 'full', 'full', 'off', 'full', 'off'],
    ])
    expect(kind.readText('false')).to.deep.equal({ ok: true, value: 'off' })
    expect([null, 1, 'some'].map(read)).to.deep.equal(Array(3).fill('off, inspect or full'))
  })
})
