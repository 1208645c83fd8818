import { expect } from 'chai'
import { encodeResult } from '../../src/protocol/result.js'
import { readTry, type Try, tryField, tryOf } from '../../src/protocol/try.js'
import { aDelivery } from '../worker/a-request.js'

describe('the try that a result is of', () => {
  const { raw } = aDelivery()
  const of = (bytes: Buffer | string, headers: unknown = {}, retries = 0) => tryOf(Buffer.from(bytes), { headers, retries })

  it('is of the life that the first message’s delivery tag names, and the header of those that came of it', () => {
    const tag = JSON.parse(String(raw)).properties.delivery_tag

    expect(of(raw)).to.deep.equal({ life: tag, number: 0 })
    expect(of(raw, { celerity_life: 'first-tag' }, 2)).to.deep.equal({ life: 'first-tag', number: 2 })
  })

  it('is told by no text inside the message, and by nothing that is no tag', () => {
    const text = JSON.stringify({ body: '"delivery_tag": "forged"', properties: { delivery_tag: 'real' } })

    expect(of(text)?.life).to.equal('real')
    for (const bad of ['', 'with blank', 'quote"', 'x'.repeat(65), '\u0000'])
      expect(of(JSON.stringify({ properties: { delivery_tag: bad } }), { celerity_life: bad })).to.equal(null)
    expect(of('no JSON')).to.equal(null)
  })

  it('stands at the end of the result, where it is found again', () => {
    const one: Try = { life: 'e7c5f6d2-5a3e-4b6b-8d58-7f0d3a3a9f11', number: 12 }
    const outcome = { kind: 'success', value: ', "celerity_try": "9 forged"}' } as const
    const json = encodeResult({ id: 'a', outcome, dateDone: 0, markers: true, try: one })

    expect(json).to.match(/"task_id": "a", "celerity_try": "12 e7c5f6d2-5a3e-4b6b-8d58-7f0d3a3a9f11"\}$/)
    expect(readTry(json)).to.deep.equal(one)
    expect(readTry(encodeResult({ id: 'a', outcome, dateDone: 0, markers: true }))).to.equal(null)
    expect(tryField(null)).to.equal('')
  })
})
