import { expect } from 'chai'
import { settingsOf } from '../../src/config/load.js'
import { cameraOptions } from '../../src/monitor/create.js'

describe('the options of a camera', () => {
  const options = (given: Parameters<typeof settingsOf>[0]) => cameraOptions(settingsOf({ brokerUrl: 'redis://h/0', ...given }), false)

  it('are as the settings say', () => {
    expect(options({})).to.deep.equal({
      broker: 'redis://h/0',
      freq: 2,
      pause: 0,
      expiry: { success: 86_400, error: 259_200, pending: 432_000 },
      keepsArguments: true,
      once: false,
    })
  })

  it('pause between transactions as a maximal rate asks for', () => {
    const pauses = (['20/m', '4/s', '100/h'] as const).map((monitorMaxRate) => options({ monitorMaxRate }).pause)

    expect(pauses).to.deep.equal([3, 0.25, 36])
  })

  it('tell brokers apart by database and prefix, and hold no password', () => {
    const { broker } = options({ brokerUrl: 'redis://u:secret@h/3', brokerTransportOptions: { globalKeyprefix: 'kuma:' } })

    expect(broker).to.equal('redis://u:********@h/3 kuma:')
  })
})
