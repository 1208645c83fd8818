/** The flags that say what a schedule entry is, and the entry they say. */
import * as Flags from '@oclif/core/flags'
import { CelerityError, reason } from '../errors.js'
import { parseJson } from '../protocol/json.js'
import { MISFIRES, OVERLAPS, SOLAR_EVENTS } from '../protocol/schedule.js'

const when = { helpGroup: 'WHEN', exactlyOne: ['every', 'cron', 'solar', 'at'] }

export const SCHEDULE_FLAGS = {
  task: Flags.string({ required: true, helpValue: 'NAME', summary: 'the task that is sent' }),
  every: Flags.string({ ...when, helpValue: 'SPAN', summary: "such as 90, '10m' or '1d'" }),
  cron: Flags.string({
    ...when,
    helpValue: 'TEXT',
    summary: 'minute hour day-of-month month day-of-week; of six fields, the first is seconds',
  }),
  solar: Flags.string({ ...when, helpValue: 'EVENT,LAT,LON', summary: 'an event of the sun at a place, such as sunset,51.5,-0.1' }),
  at: Flags.string({ ...when, helpValue: 'ISO', summary: 'once, at this moment, with its offset' }),
  timezone: Flags.string({ helpGroup: 'WHEN', helpValue: 'ZONE', summary: 'whose wall clock it means; default: the setting timezone' }),
  start: Flags.string({ helpGroup: 'WHEN', helpValue: 'ISO', summary: 'not due before; an interval counts from here' }),
  expiry: Flags.string({ helpGroup: 'WHEN', helpValue: 'ISO', summary: 'not due any more from here' }),
  jitter: Flags.string({ helpGroup: 'WHEN', helpValue: 'SPAN', summary: 'sent up to this much later' }),
  args: Flags.string({ char: 'a', helpValue: 'JSON', summary: 'list of arguments' }),
  kwargs: Flags.string({ char: 'k', helpValue: 'JSON', summary: 'object of keyword arguments' }),
  queue: Flags.string({ helpValue: 'NAME', summary: 'instead of what the routes say' }),
  priority: Flags.integer({ helpValue: 'N', min: 0, max: 255, summary: '0 is the highest' }),
  expires: Flags.string({ helpValue: 'SPAN', summary: 'not run any more this long after it was due' }),
  misfire: Flags.option({
    options: MISFIRES,
    helpValue: MISFIRES.join('|'),
    summary: 'of the times that passed while no beat ran, send none, the newest, or all',
  })(),
  'misfire-limit': Flags.integer({ min: 1, helpValue: 'N', summary: 'with --misfire all: no more than these' }),
  overlap: Flags.option({
    options: OVERLAPS,
    helpValue: OVERLAPS.join('|'),
    summary: 'due while its last task runs: send, leave out, or keep one waiting',
  })(),
}

/** What oclif makes of `SCHEDULE_FLAGS`. */
export interface ScheduleFlagValues {
  readonly task: string
  readonly every?: string | undefined
  readonly cron?: string | undefined
  readonly solar?: string | undefined
  readonly at?: string | undefined
  readonly timezone?: string | undefined
  readonly start?: string | undefined
  readonly expiry?: string | undefined
  readonly jitter?: string | undefined
  readonly args?: string | undefined
  readonly kwargs?: string | undefined
  readonly queue?: string | undefined
  readonly priority?: number | undefined
  readonly expires?: string | undefined
  readonly misfire?: string | undefined
  readonly 'misfire-limit'?: number | undefined
  readonly overlap?: string | undefined
}

/** As `readEntry` takes it, which checks the rest. @throws E_ARGUMENTS */
export function scheduleFromFlags(flags: ScheduleFlagValues): Readonly<Record<string, unknown>> {
  const { task, queue, priority, expires, timezone, start, expiry, jitter, misfire, overlap } = flags
  return {
    ...{ task, timezone, start, expiry, jitter, misfire, overlap },
    schedule: whenOf(flags),
    args: json('args', flags.args, 'a list such as [2, 3]'),
    kwargs: json('kwargs', flags.kwargs, 'an object such as {"x": 2}'),
    misfireLimit: flags['misfire-limit'],
    options: { queue, priority, expires },
  }
}

function whenOf({ every, cron, solar, at }: ScheduleFlagValues): Readonly<Record<string, unknown>> {
  if (every !== undefined) return { every: /^\d+(\.\d+)?$/.test(every) ? Number(every) : every }
  if (cron !== undefined) return { crontab: cron }
  return solar === undefined ? { at } : { solar: place(solar) }
}

function place(text: string): Readonly<Record<string, unknown>> {
  const [event, latitude, longitude, ...more] = text.split(',').map((part) => part.trim())
  if (latitude && longitude && more.length === 0) return { event, latitude: Number(latitude), longitude: Number(longitude) }
  throw new CelerityError('E_ARGUMENTS', {
    message: `--solar ${text} is no event and place`,
    hint: `Give such as sunset,51.5,-0.1. The events are ${SOLAR_EVENTS.join(', ')}.`,
  })
}

function json(flag: string, text: string | undefined, expected: string): unknown {
  if (text === undefined) return undefined
  try {
    return parseJson(text)
  } catch (cause) {
    throw new CelerityError('E_ARGUMENTS', {
      message: `--${flag} is not JSON: ${reason(cause)}`,
      hint: `Give ${expected}, in single quotes.`,
      cause,
    })
  }
}
