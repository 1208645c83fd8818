import { expect } from 'chai'
import { explain } from '../../src/config/explain.js'
import { loadSettings, settingsOf } from '../../src/config/load.js'

describe('sentinels in the settings', () => {
  const brokerTransportOptions = { masterName: 'kuma', sentinelKwargs: { username: 'us', password: 'p&ss' } }

  it('are asked for the server that the transport options name, as in Celery; results at the broker go the same way', () => {
    const settings = settingsOf({ brokerUrl: 'sentinel://h1:26379/0;sentinel://h2:26379', brokerTransportOptions })
    expect(settings.brokerUrl).to.equal('sentinel://h1:26379/0;sentinel://h2:26379?master=kuma&sentinelUsername=us&sentinelPassword=p%26ss')
    expect(settings.resultBackend).to.equal(settings.brokerUrl)
  })

  it('are spoken to over TLS where their options say so, and the server where the URL does', () => {
    const ssl = { masterName: 'kuma', sentinelKwargs: { ssl: true } }
    const { brokerUrl } = settingsOf({ brokerUrl: 'sentinel://h1/0?tls=true', brokerTransportOptions: ssl })
    expect(brokerUrl).to.equal('sentinel://h1/0?tls=true&master=kuma&sentinelTls=true')
  })

  it('what the URL says itself stands, and other URLs stay as they are', () => {
    const url = 'sentinel://h1,h2/0?master=own&sentinelUsername=me&sentinelPassword=mine'
    expect(settingsOf({ brokerUrl: url, brokerTransportOptions }).brokerUrl).to.equal(url)
    expect(settingsOf({ brokerUrl: 'redis://h1/0', brokerTransportOptions }).brokerUrl).to.equal('redis://h1/0')
  })

  it('have a password that is never shown', async () => {
    const options = JSON.stringify({ master_name: 'kuma', sentinel_kwargs: { password: 'canary-7' } })
    const env = { TASKS_BROKER_URL: 'sentinel://h1', TASKS_BROKER_TRANSPORT_OPTIONS: options }
    const loaded = await loadSettings({ cwd: '/', env })
    expect(loaded.settings.brokerUrl).to.equal('sentinel://h1?master=kuma&sentinelPassword=canary-7')
    expect(JSON.stringify(explain(loaded)))
      .to.include('kuma')
      .and.not.to.include('canary-7')
  })
})
