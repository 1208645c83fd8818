/** The broker and the result store of one application, each opened when first needed, shared, and closed together. */
import type { Broker } from '../broker/broker.js'
import type { Clock } from '../clock.js'
import type { Settings } from '../config/schema.js'
import { CelerityError } from '../errors.js'
import type { Log } from '../log.js'
import { Outages } from '../redis/outages.js'
import type { ResultStore } from '../results/store.js'

export type ConnectionSettings = Pick<
  Settings,
  'brokerUrl' | 'brokerDeadline' | 'brokerAllowEviction' | 'brokerTransportOptions' | 'resultBackend' | 'resultBackendTransportOptions'
>

export class Connections {
  readonly #settings: ConnectionSettings
  readonly #log: Log
  readonly #clock: Clock
  readonly #outages = new Outages()
  #broker: Promise<Broker> | undefined
  #results: Promise<ResultStore> | undefined

  constructor(settings: ConnectionSettings, log: Log, clock: Clock) {
    this.#settings = settings
    this.#log = log
    this.#clock = clock
  }

  /** @throws E_BROKER_UNREACHABLE, E_BROKER_URL …; the next call tries again */
  broker(): Promise<Broker> {
    this.#broker ??= this.#openBroker().catch((error) => {
      this.#broker = undefined
      throw error
    })
    return this.#broker
  }

  /** @throws E_RESULTS_DISABLED, E_RESULTS_UNREACHABLE …; the next call tries again */
  results(): Promise<ResultStore> {
    this.#results ??= this.#openResults().catch((error) => {
      this.#results = undefined
      throw error
    })
    return this.#results
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled([this.#results, this.#broker])
    await Promise.all(opened.map((one) => (one.status === 'fulfilled' ? one.value?.close() : undefined)))
  }

  async #openBroker(): Promise<Broker> {
    const { openBroker } = await import('../broker/open.js')
    const { brokerUrl, brokerAllowEviction, brokerTransportOptions } = this.#settings
    return openBroker(brokerUrl, {
      ...this.#options(brokerTransportOptions),
      waitReplicas: brokerTransportOptions.waitReplicas ?? 0,
      waitReplicasTimeout: brokerTransportOptions.waitReplicasTimeout ?? 1,
      allowEviction: brokerAllowEviction,
      visibilityTimeout: brokerTransportOptions.visibilityTimeout ?? 3_600,
    })
  }

  async #openResults(): Promise<ResultStore> {
    if (this.#settings.resultBackend === null) {
      throw new CelerityError('E_RESULTS_DISABLED', {
        message: 'no results are stored: resultBackend is disabled',
        hint: 'Set resultBackend.',
      })
    }
    const { openResults } = await import('../results/open.js')
    return openResults(this.#settings.resultBackend, this.#options(this.#settings.resultBackendTransportOptions))
  }

  #options({ globalKeyprefix }: ConnectionSettings['brokerTransportOptions']) {
    const { brokerDeadline } = this.#settings
    const shared = { log: this.#log, clock: this.#clock, outages: this.#outages }
    return { deadlineMs: brokerDeadline * 1000, keyPrefix: globalKeyprefix ?? '', ...shared }
  }
}
