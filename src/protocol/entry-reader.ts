/**
 * Schedule entries from what people and stores hold: Celery's `beat_schedule`, `app.schedule()`, and the rows of a store. Every reader is
 * total: a bad entry is a reason that names its field, and does not keep the others from running.
 */
import { CelerityError } from '../errors.js'
import { readOptions } from './entry-options.js'
import { isObject, kindOf } from './fields.js'
import { GivenFields, ScheduleFault } from './given-fields.js'
import { encodeJson, parseJson } from './json.js'
import { ENTRY_DEFAULTS, MISFIRES, OVERLAPS, type Schedule, type ScheduleEntry } from './schedule-entry.js'
import { readSchedule } from './schedule-forms.js'
import { isTimezone } from './timezone.js'

export type EntryRead = { readonly ok: true; readonly entry: ScheduleEntry } | { readonly ok: false; readonly reason: string }

/** An entry that cannot be run, and why; the reason names the entry and the field. */
export interface EntryProblem {
  readonly name: string
  readonly reason: string
}

export interface ScheduleRead {
  readonly entries: readonly ScheduleEntry[]
  readonly problems: readonly EntryProblem[]
}

const KNOWN = [
  ...['task', 'schedule', 'args', 'kwargs', 'options', 'relative', 'timezone', 'enabled', 'start', 'expiry'],
  ...['jitter', 'misfire', 'misfireLimit', 'overlap', 'oneOff'],
]
const LONGEST_NAME = 255
const MOST_MISFIRES = 10_000

/**
 * The whole of a `beatSchedule`: Celery's form, `{ name: { task, schedule, args, kwargs, options, relative } }`, with our fields beside
 * Celery's, in either spelling. Total.
 */
export function readBeatSchedule(given: unknown): ScheduleRead {
  if (given === undefined || given === null) return { entries: [], problems: [] }
  if (!isObject(given)) {
    return { entries: [], problems: [{ name: '', reason: `beatSchedule: expected entries by name, not ${kindOf(given)}` }] }
  }
  const reads = Object.entries(given).map(([name, fields]) => ({ name, read: readEntry(name, fields) }))
  return {
    entries: reads.flatMap(({ read }) => (read.ok ? [read.entry] : [])),
    problems: reads.flatMap(({ name, read }) => (read.ok ? [] : [{ name, reason: read.reason }])),
  }
}

/**
 * One entry. `task` is a name or a signature, whose arguments and options count where the entry names none; `every` may stand for
 * `schedule`. Total.
 *
 * @returns the entry; or a reason that starts with its name: `entry 'sitemaps': schedule: hour: '25' is out of range …`
 */
export function readEntry(name: string, given: unknown): EntryRead {
  try {
    if (name.trim() === '' || name.length > LONGEST_NAME) {
      throw new ScheduleFault(`name: expected 1 to ${LONGEST_NAME} characters, not ${kindOf(name)}`)
    }
    return { ok: true, entry: readFields(name, given) }
  } catch (error) {
    if (error instanceof ScheduleFault || error instanceof CelerityError) {
      return { ok: false, reason: `entry ${kindOf(name)}: ${error.message}` }
    }
    throw error
  }
}

function readFields(name: string, given: unknown): ScheduleEntry {
  const fields = new GivenFields(given, '', "an entry such as { task: 'app.task', schedule: 600 }")
  const { task, ...signature } = readTask(fields)
  const start = fields.moment('start') ?? null
  const expiry = fields.moment('expiry') ?? null
  if (start !== null && expiry !== null && expiry <= start) fields.refuse('expiry', 'lies before start')
  const entry: ScheduleEntry = {
    name,
    task,
    args: fields.list('args') ?? signature.args ?? ENTRY_DEFAULTS.args,
    kwargs: fields.object('kwargs') ?? signature.kwargs ?? ENTRY_DEFAULTS.kwargs,
    schedule: readWhen(fields),
    timezone: readTimezone(fields),
    options: readOptions({ ...signature.options, ...fields.object('options') }, 'options'),
    enabled: fields.flag('enabled') ?? ENTRY_DEFAULTS.enabled,
    start,
    expiry,
    jitter: fields.span('jitter', 0) ?? ENTRY_DEFAULTS.jitter,
    misfire: fields.oneOf('misfire', MISFIRES) ?? ENTRY_DEFAULTS.misfire,
    misfireLimit: fields.whole('misfireLimit', 1, MOST_MISFIRES) ?? ENTRY_DEFAULTS.misfireLimit,
    overlap: fields.oneOf('overlap', OVERLAPS) ?? ENTRY_DEFAULTS.overlap,
    oneOff: fields.flag('oneOff') ?? ENTRY_DEFAULTS.oneOff,
  }
  fields.end(KNOWN)
  // What cannot be sent is found now, not when it is due.
  encodeJson(entry.args, { markers: true, name: 'args' })
  encodeJson(entry.kwargs, { markers: true, name: 'kwargs' })
  encodeJson(entry.options.headers ?? {}, { markers: true, name: 'options.headers' })
  return entry
}

interface TaskRead {
  readonly task: string
  readonly args?: readonly unknown[] | undefined
  readonly kwargs?: Readonly<Record<string, unknown>> | undefined
  readonly options?: Readonly<Record<string, unknown>> | undefined
}

/** A name, or the parts of a signature that an entry has. */
function readTask(fields: GivenFields): TaskRead {
  const given = fields.take('task')
  if (typeof given === 'string' && given.trim() !== '') return { task: given }
  if (typeof given === 'object' && given !== null && 'task' in given && typeof given.task === 'string') {
    const { task, args, kwargs, options } = given as { task: string; args?: unknown; kwargs?: unknown; options?: unknown }
    const inner = new GivenFields({ args, kwargs, options }, 'task', 'a signature')
    return { task, args: inner.list('args'), kwargs: inner.object('kwargs'), options: inner.object('options') }
  }
  return fields.refuse('task', given === undefined ? 'is missing' : `expected the name of a task or a signature, not ${kindOf(given)}`)
}

function readWhen(fields: GivenFields): Schedule {
  const schedule = fields.take('schedule')
  const given = schedule ?? fields.take('every') ?? fields.refuse('schedule', 'is missing')
  const when = readSchedule(given, schedule === undefined ? 'every' : 'schedule')
  const relative = fields.flag('relative') // in Celery it stands beside the schedule, and means nothing to any but an interval
  return when.kind === 'interval' ? { ...when, relative: relative ?? when.relative } : when
}

function readTimezone(fields: GivenFields): string | null {
  const timezone = fields.text('timezone') ?? null
  if (timezone !== null && !isTimezone(timezone)) fields.refuse('timezone', `${kindOf(timezone)} is no time zone such as 'Europe/London'`)
  return timezone
}

/**
 * An entry as stores keep it.
 *
 * @throws CelerityError E_ENCODE for arguments or headers that are not JSON, naming the path
 */
export function encodeEntry(entry: ScheduleEntry): string {
  return encodeJson(entry, { markers: true, name: 'entry' })
}

/** An entry from a store. Total: a damaged row, or one of a newer version that says more than is understood here, is a reason. */
export function decodeEntry(json: string): EntryRead {
  let value: unknown
  try {
    value = parseJson(json)
  } catch (error) {
    return { ok: false, reason: `not JSON: ${(error as SyntaxError).message}` } // the reader of JSON throws nothing else
  }
  if (!isObject(value)) return { ok: false, reason: `expected an entry, not ${kindOf(value)}` }
  const { name, ...fields } = value
  if (typeof name !== 'string') return { ok: false, reason: `name: expected a text, not ${kindOf(name)}` }
  return readEntry(name, fields)
}
