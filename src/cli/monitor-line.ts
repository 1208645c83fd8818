/** How a camera stands, in one line: moving on a terminal, once a minute in a log. */
import type { CameraState } from '../monitor/camera.js'

export interface MonitorMoment extends CameraState {
  /** Messages that wait in all queues; null: not known. */
  readonly queued: number | null
}

/** `12.5 tasks/s · 1200 done, 3 failed · 17 queued · 2 workers · lag 0` and what there is to worry about. */
export function monitorLine({
  pace,
  succeeded,
  failed,
  revoked,
  queued,
  workers,
  lag,
  waiting,
  missed,
  unseen,
  away,
}: MonitorMoment): string {
  const parts = [
    `${pace < 9.95 ? pace.toFixed(1) : Math.round(pace)} tasks/s`,
    `${succeeded + failed + revoked} done, ${failed} failed`,
    queued === null ? null : `${queued} queued`,
    `${workers} worker${workers === 1 ? '' : 's'}`,
    `lag ${lag + waiting}`,
    missed === 0 ? null : `${missed} events missed`,
    unseen === 0 ? null : `about ${unseen} tasks unseen`,
    away.length === 0 ? null : `${away.join(' and ')} away`,
  ]
  return parts.filter((part) => part !== null).join(' · ')
}

/** The same for logs that are searched by field. */
export function monitorFields({ queued, ...state }: MonitorMoment): Readonly<Record<string, unknown>> {
  return queued === null ? state : { ...state, queued }
}
