import { expect } from 'chai'
import { CONTROL_EXCHANGE, encodeControl } from '../../src/protocol/control.js'
import { fixture } from './fixtures.js'

function opened(raw: string): unknown {
  const envelope = JSON.parse(raw)
  delete envelope.properties.delivery_tag
  return { ...envelope, body: JSON.parse(Buffer.from(envelope.body, 'base64').toString()) }
}

describe('a control request', () => {
  it('is what Celery broadcasts, without and with an address to answer to', () => {
    const args = (id: string) => ({ task_id: id, terminate: false, signal: 'SIGTERM' })
    const reply = { ticket: 'e54377d7-1504-4f4c-95cf-dcd4e7b69bfd', routingKey: 'f2035a3d-7a43-3be7-8c5b-4316780f0533' }

    const quiet = encodeControl({ method: 'revoke', arguments: args('to-revoke-0') }, { clock: 213, expires: 1795329097.905281 })
    const asking = encodeControl(
      { method: 'revoke', arguments: args('to-revoke-1'), destination: ['w1@host1'], reply },
      { clock: 209, expires: 1795329097.3853989 },
    )

    expect(opened(quiet)).to.deep.equal(opened(fixture('pidbox-revoke-noreply').requests?.[0]?.raw ?? ''))
    expect(opened(asking)).to.deep.equal(opened(fixture('pidbox-revoke').requests?.[0]?.raw ?? ''))
    expect(CONTROL_EXCHANGE).to.equal('celery.pidbox')
  })
})
