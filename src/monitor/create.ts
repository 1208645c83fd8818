/** From settings to a camera: its store opened, its options read. */
import type { Broker } from '../broker/broker.js'
import { type Clock, systemClock } from '../clock.js'
import type { Settings } from '../config/schema.js'
import { isCelerityError } from '../errors.js'
import { openReceiver } from '../events/receiver.js'
import type { Log } from '../log.js'
import { maskUrl } from '../mask.js'
import { Lamport } from '../protocol/lamport.js'
import type { ResultStore } from '../results/store.js'
import { Camera, type CameraOptions } from './camera.js'
import { openSnapshots } from './open.js'
import type { SnapshotStore } from './store.js'

export interface CreateCameraParts {
  readonly broker: Broker
  readonly results: ResultStore | null
  readonly store: SnapshotStore
  readonly log: Log
  readonly clock?: Clock | undefined
}

export function createCamera(
  settings: Settings,
  once: boolean,
  { broker, results, store, log, clock = systemClock }: CreateCameraParts,
): Camera {
  const lamport = new Lamport()
  return new Camera(
    {
      store,
      journal: broker.journal,
      listen: (hear) => openReceiver({ broker, lamport, clock, log }, { hear, passOverJournaled: true }),
      results,
      clock,
      log,
    },
    cameraOptions(settings, once),
  )
}

export function cameraOptions(settings: Settings, once: boolean): CameraOptions {
  const { monitorFrequency, monitorMaxRate, monitorArguments } = settings
  const { monitorExpireSuccess: success, monitorExpireError: error, monitorExpirePending: pending } = settings
  return {
    broker: `${maskUrl(settings.brokerUrl)} ${settings.brokerTransportOptions.globalKeyprefix ?? ''}`.trimEnd(),
    freq: monitorFrequency,
    pause: monitorMaxRate === null ? 0 : pauseOf(monitorMaxRate),
    expiry: { success, error, pending },
    keepsArguments: monitorArguments,
    once,
  }
}

/** Seconds between two transactions: '20/m' is 3. */
function pauseOf(rate: string): number {
  const [count, unit] = rate.split('/')
  const span = unit === 'h' ? 3600 : unit === 'm' ? 60 : 1
  return Number(count) > 0 ? span / Number(count) : 0
}

/** Longest pause between two tries, in seconds. */
const MAX_PAUSE = 5

/**
 * Opens the store; while it is away, waits for it. Undefined: `signal` aborted meanwhile.
 *
 * @throws E_MONITOR_URL, E_MONITOR_REFUSED: waiting would not help
 */
export async function openPatiently(url: string, log: Log, signal: AbortSignal): Promise<SnapshotStore | undefined> {
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      return await openSnapshots(url, { log })
    } catch (error) {
      if (!isCelerityError(error) || error.code !== 'E_MONITOR_UNREACHABLE') throw error
      if (tries === 0) log.warning(`waiting for the store of the monitor: ${error.message}`)
      await systemClock.sleep(Math.min(0.25 * 2 ** tries, MAX_PAUSE), signal)
    }
  }
  return undefined
}
