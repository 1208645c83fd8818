/** From a URL to a snapshot store. An adapter, and the client library behind it, is loaded when its scheme is used. */
import { existsSync } from 'node:fs'
import { type Clock, systemClock } from '../clock.js'
import { CelerityError } from '../errors.js'
import { type Log, silentLog } from '../log.js'
import { maskUrl } from '../mask.js'
import { parseSqliteUrl } from '../sqlite/file.js'
import type { SnapshotStore } from './store.js'

export interface SnapshotOptions {
  /** Milliseconds a call may last before it fails with E_MONITOR_UNREACHABLE. */
  readonly deadlineMs: number
  readonly log: Log
  readonly clock: Clock
}

type Open = (url: string, options: SnapshotOptions) => Promise<SnapshotStore>

const ADAPTERS: Readonly<Record<string, () => Promise<Open>>> = {
  sqlite: async () => (await import('./stores/sqlite/adapter.js')).openSqliteSnapshots,
  postgres: async () => (await import('./stores/postgres/adapter.js')).openPostgresSnapshots,
  postgresql: async () => (await import('./stores/postgres/adapter.js')).openPostgresSnapshots,
}

/**
 * Opens the snapshot store of `url`: `sqlite:path/to/file.db`, `postgres://[user:password@]host[:port]/database[?options]`, and brings its
 * tables up to date.
 *
 * @throws E_MONITOR_URL for a scheme or form that is not known, or without the package `pg`; E_MONITOR_UNREACHABLE, E_MONITOR_REFUSED
 */
export async function openSnapshots(url: string, options: Partial<SnapshotOptions> = {}): Promise<SnapshotStore> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? ''
  const load = Object.hasOwn(ADAPTERS, scheme) ? ADAPTERS[scheme] : undefined
  if (load === undefined) {
    throw new CelerityError('E_MONITOR_URL', {
      message: `No store of the monitor is known for the URL ${maskUrl(url) || '(empty)'}`,
      hint: `Known schemes: ${Object.keys(ADAPTERS).join(', ')}; such as sqlite:.tasks/monitor.db or postgres://127.0.0.1/monitor.`,
    })
  }
  if (isRelative(url)) {
    throw new CelerityError('E_MONITOR_URL', {
      message: `The store of the monitor has no place: ${url} is relative, and neither a settings file nor a package.json is above`,
      hint: 'Run `tasks init`, or give --store sqlite:/absolute/path or postgres://….',
    })
  }
  const open = await load()
  const { deadlineMs = 10_000, log = silentLog, clock = systemClock } = options
  return open(url, { deadlineMs, log, clock })
}

/** To ask what was captured: null where no monitor has ever run. @throws as `openSnapshots` */
export async function openCaptured(url: string, options: Partial<SnapshotOptions> = {}): Promise<SnapshotStore | null> {
  const file = parseSqliteUrl(url)
  return file !== undefined && (isRelative(url) || !existsSync(file.path)) ? null : openSnapshots(url, options)
}

/** Settings have made it absolute, if they knew from where: never relative to whatever folder is the current one. */
function isRelative(url: string): boolean {
  return /^sqlite:(?!\/|:memory:|[a-z]:[\\/])/i.test(url)
}
