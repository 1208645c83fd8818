/** A camera as a process: its line on a terminal, its word in the log once a minute, its end. */
import { hostname } from 'node:os'
import type { Broker } from '../broker/broker.js'
import type { Log } from '../log.js'
import type { Camera } from '../monitor/camera.js'
import { monitorFields, monitorLine } from './monitor-line.js'
import { type Replaceable, type ServeOptions, serve } from './serve.js'

export interface ServeMonitorOptions extends ServeOptions {
  readonly broker: Broker
  readonly store: Replaceable
  /** Shows the moving line; null: there is no terminal. */
  readonly show: ((text: string) => void) | null
}

/** Milliseconds between two looks at the queues, and two lines in a log. */
const LOOK_MS = 2_000
const SHOW_MS = 250
const LOG_MS = 60_000

/** @returns the exit code: 0, or 130 and 143 when it was told twice to stop; @throws what `Camera.run` throws, E_USAGE */
export async function serveMonitor(camera: Camera, { broker, store, show, ...serving }: ServeMonitorOptions): Promise<number> {
  const { log } = serving
  const depth = new QueueDepth(broker, log)
  const moment = () => ({ ...camera.state, queued: depth.queued })
  const timers =
    show === null
      ? [setInterval(() => log.info(monitorLine(moment()), monitorFields(moment())), LOG_MS)]
      : [setInterval(() => show(monitorLine(moment())), SHOW_MS), setInterval(() => depth.look(), LOOK_MS)]
  try {
    return await serve(
      {
        stop: () => camera.stop(),
        stopNow: () => camera.stop(),
        stores: [broker, store],
        health() {
          const { away, ...state } = camera.state
          return { node: `monitor@${hostname()}`, ready: away.length === 0, ...state, away: away.join(', ') }
        },
        async run() {
          depth.look()
          await camera.run()
          log.info(`the monitor stopped: ${monitorLine(moment())}`, monitorFields(moment()))
        },
      },
      serving,
    )
  } finally {
    for (const timer of timers) clearInterval(timer)
  }
}

/** Looked at one at a time; a broker that is away leaves what was known last unsaid. */
class QueueDepth {
  queued: number | null = null
  readonly #broker: Broker
  readonly #log: Log
  #looks = false

  constructor(broker: Broker, log: Log) {
    this.#broker = broker
    this.#log = log
  }

  look(): void {
    if (this.#looks) return
    this.#looks = true
    this.#count()
      .then((queued) => {
        this.queued = queued
      })
      .catch((error: unknown) => {
        this.queued = null
        this.#log.debug('the queues could not be counted', { error })
      })
      .finally(() => {
        this.#looks = false
      })
  }

  async #count(): Promise<number> {
    const { queues } = this.#broker
    const counts = await queues.counts(await queues.names())
    return counts.reduce((sum, { ready, delayed }) => sum + ready + delayed, 0)
  }
}
