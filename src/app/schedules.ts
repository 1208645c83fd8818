/** The periodic tasks of an application: the entries that its code and its settings declare, and the message of an entry that is due. */
import { createHash } from 'node:crypto'
import { ENTRY_HEADER } from '../broker/entry-header.js'
import type { Settings } from '../config/schema.js'
import { CelerityError } from '../errors.js'
import { repr } from '../protocol/python-repr.js'
import {
  type EntryProblem,
  type EntryTerms,
  encodeEntry,
  readBeatSchedule,
  readEntry,
  type ScheduleEntry,
  type ScheduleGiven,
  type ScheduleRead,
} from '../protocol/schedule.js'
import type { CompleteSignature } from './celerity.js'
import type { Built, MessageBuilder } from './message-builder.js'
import type { Registry } from './registry.js'

/** What is to be run: a signature to which nothing has to be added, or the name of a task that lives elsewhere, with its arguments. */
type Scheduled =
  | { readonly task: CompleteSignature; readonly args?: undefined; readonly kwargs?: undefined }
  | { readonly task: string; readonly args?: readonly unknown[]; readonly kwargs?: Readonly<Record<string, unknown>> }

/** A periodic task, as `app.schedule` takes it. */
export type ScheduleOptions = EntryTerms &
  Scheduled & {
    /** Seconds, `'10m'`, `crontab({ minute: 0, hour: 5 })` or `'0 5 * * *'`, `solar(…)`, `clocked(…)`. */
    readonly every: ScheduleGiven
  }

/** The entries that the code of one application declares. */
export class DeclaredSchedule {
  readonly #entries = new Map<string, ScheduleEntry>()

  /** @throws CelerityError E_SCHEDULE for what is no entry, naming the field, and for a name that another entry has */
  add(name: string, options: ScheduleOptions): void {
    const read = readEntry(name, options)
    if (!read.ok) throw new CelerityError('E_SCHEDULE', { message: read.reason })
    const taken = this.#entries.get(name)
    // The same twice is one module loaded twice: harmless here.
    if (taken !== undefined && encodeEntry(taken) !== encodeEntry(read.entry)) {
      throw new CelerityError('E_SCHEDULE', { message: `entry '${name}' is declared twice`, hint: 'Give one of the two another name.' })
    }
    this.#entries.set(name, read.entry)
  }

  all(): Iterable<ScheduleEntry> {
    return this.#entries.values()
  }
}

/**
 * The entries of code and settings. Settings win, since they say it for one deployment; the entry of the code is then among the problems,
 * as one that is not run. Total.
 */
export function declaredEntries(
  app: { readonly declaredSchedule: DeclaredSchedule } | null,
  settings: Pick<Settings, 'beatSchedule'>,
): ScheduleRead {
  const set = readBeatSchedule(settings.beatSchedule)
  const names = new Set(Object.keys(settings.beatSchedule))
  const coded = [...(app?.declaredSchedule.all() ?? [])]
  const overridden = coded.filter(({ name }) => names.has(name)).map(({ name }) => overriddenBySettings(name))
  return {
    entries: [...coded.filter(({ name }) => !names.has(name)), ...set.entries],
    problems: [...set.problems, ...overridden],
  }
}

function overriddenBySettings(name: string): EntryProblem {
  return { name, reason: `entry ${JSON.stringify(name)}: declared in code and in the settings; that of the settings counts` }
}

/**
 * The message of an entry that was due at `due` (milliseconds since 1970): what Celery's beat would send, by the routes and defaults of the
 * application. The same entry and time give the same id, whichever beat makes it. `expires` counts from `due`.
 *
 * @param id of the task; for runs by hand, which are not of a due time
 * @throws CelerityError E_ARGUMENTS, E_ENCODE, or what a route function throws
 */
export function messageOf(
  runtime: { readonly builder: MessageBuilder },
  entry: ScheduleEntry,
  due: number,
  id: string = tickId(entry.name, due),
): Built {
  const { task, args, kwargs, options, overlap } = entry
  const { expires, headers, ...others } = options
  return runtime.builder.build({
    task,
    args,
    argsrepr: repr(args), // a list, as Celery's beat shows it, where a call shows a tuple
    options: {
      ...others,
      kwargs,
      taskId: id,
      headers: { ...headers, [ENTRY_HEADER]: overlap === 'allow' ? undefined : entry.name },
      ...(expires === undefined ? {} : { expires: new Date(due + expires * 1000) }),
    },
  })
}

/** A UUID of version 8, which is for hashes of one's own choice (RFC 9562, 5.8). */
export function tickId(name: string, due: number): string {
  const bytes = createHash('sha256').update(`celerity tick ${due} ${name}`).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Seconds; see `holdMsOf`. */
const FOREIGN_HOLD = 86_400

/**
 * Milliseconds that a task may hold its entry open although nobody has told that it ended; null: as long as it takes. Of a task that is
 * registered here we hear, however it ends; one that is not may be run by a Python worker, and then nobody tells.
 */
export function holdMsOf(app: { readonly registry: Registry }, { task }: ScheduleEntry): number | null {
  return app.registry.get(task) === undefined ? FOREIGN_HOLD * 1000 : null
}
