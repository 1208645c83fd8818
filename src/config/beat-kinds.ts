/** The settings about periodic tasks. */
import { type EntryGiven, isTimezone } from '../protocol/schedule.js'
import { fine, isObject, type Kind, mismatch, type Read, show, structured } from './kinds.js'

/** Entries as they were written, by name. */
export type BeatSchedule = Readonly<Record<string, EntryGiven>>

/**
 * Only that they are entries by name is checked here. What an entry says is read where it is used (`readBeatSchedule`), because a wrong one
 * must not keep the others from running, nor a worker from starting; `tasks config check` refuses it.
 */
export function beatSchedule(): Kind<BeatSchedule> {
  const expected = "entries by name, such as { sitemaps: { task: 'kuma.sitemaps', schedule: '0 5 * * *' } }"
  return structured(
    expected,
    (given): Read<BeatSchedule> => (isObject(given) ? fine(Object.freeze({ ...given }) as BeatSchedule) : mismatch(expected, given)),
  )
}

/** What may be shown and pasted into a report: arguments and headers may hold personal data. */
export function withoutArguments(schedule: BeatSchedule): Readonly<Record<string, unknown>> {
  const open = ([name, entry]: readonly [string, unknown]): [string, unknown] => {
    if (!isObject(entry)) return [name, show(entry)]
    const { args, kwargs, options, ...rest } = entry
    const { headers, ...others } = isObject(options) ? options : {}
    return [name, options === undefined ? rest : { ...rest, options: others }]
  }
  return Object.fromEntries(Object.entries(schedule).map(open))
}

/** An IANA name. */
export function timezone(): Kind<string> {
  const expected = "a time zone such as 'UTC' or 'Europe/London'"
  const read = (given: unknown) => (typeof given === 'string' && isTimezone(given) ? fine(given) : mismatch(expected, given))
  return { expected, read, readText: read }
}
