/** Schedules in words, for tables and logs. */
import {
  CRONTAB_FIELDS,
  type CrontabField,
  type CrontabSchedule,
  expandCrontab,
  type IntervalSchedule,
  type Schedule,
} from '../protocol/schedule.js'

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
]

/** More clock times than this are told as minutes and hours. */
const FEW = 4

/** In a few words, without the zone: `every 10 minutes`, `at 05:00 on Monday to Friday`, `at sunset (51.5, -0.1)`. */
export function describeSchedule(schedule: Schedule): string {
  switch (schedule.kind) {
    case 'interval':
      return describeInterval(schedule)
    case 'crontab':
      return describeCrontab(schedule)
    case 'solar':
      return `at ${schedule.event.replace(/^(dawn|dusk|solar)_(\w+)$/, (_, what, which) => (what === 'solar' ? which : `${which} ${what}`))} (${schedule.latitude}, ${schedule.longitude})`
    case 'clocked':
      return `once at ${new Date(schedule.at).toISOString()}`
  }
}

function describeInterval({ every, relative }: IntervalSchedule): string {
  const units = [
    ['week', 604_800],
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
  ] as const
  const [unit, size] = units.find(([, seconds]) => every % seconds === 0) ?? (['second', 1] as const)
  const text = every === size ? `every ${unit}` : `every ${every / size} ${unit}s`
  return relative ? `${text}, on the ${every >= 86_400 ? 'day' : every >= 3600 ? 'hour' : every >= 60 ? 'minute' : 'second'}` : text
}

function describeCrontab(schedule: CrontabSchedule): string {
  const expanded = expandCrontab(schedule)
  if (!expanded.ok) return 'never'
  const { times } = expanded
  const values = (field: CrontabField) => (isFull(field, times[field]) ? null : times[field])
  const days = [
    prefixed('on ', values('dayOfWeek'), (day) => DAYS[day] ?? ''),
    prefixed('on day ', values('dayOfMonth'), String, ' of the month'),
    prefixed('in ', values('monthOfYear'), (month) => MONTHS[month - 1] ?? ''),
  ]
  return [describeTime(schedule, times.second, times.minute, times.hour), ...days].filter((part) => part !== '').join(' ')
}

function describeTime(schedule: CrontabSchedule, second: readonly number[], minute: readonly number[], hour: readonly number[]): string {
  const onTheMinute = second.length === 1 && second[0] === 0
  if (second.length * minute.length * hour.length <= FEW) {
    const clock = (h: number, m: number, s: number) => `${two(h)}:${two(m)}${onTheMinute ? '' : `:${two(s)}`}`
    return `at ${listed(hour.flatMap((h) => minute.flatMap((m) => second.map((s) => clock(h, m, s)))))}`
  }
  const parts = [
    onTheMinute ? '' : `at second ${schedule.second}`,
    isFull('minute', minute) ? 'every minute' : stepOf(schedule.minute, 'minute') || `at minute ${ranges(minute, String)}`,
    isFull('hour', hour) ? '' : stepOf(schedule.hour, 'hour').replace(/^every/, 'of every') || `of hour ${ranges(hour, String)}`,
  ]
  const text = parts.filter((part) => part !== '').join(' ')
  if (isFull('second', second) && isFull('minute', minute)) return text.replace(`at second ${schedule.second} every minute`, 'every second')
  return isFull('hour', hour) && text.startsWith('at minute') ? `${text} of every hour` : text
}

/** `*\/10` of a field that it divides evenly; empty for anything else. */
function stepOf(written: string, unit: 'minute' | 'hour'): string {
  const step = Number(/^\*\/(\d+)$/.exec(written.trim())?.[1])
  return step > 1 && (CRONTAB_FIELDS[unit].last + 1) % step === 0 ? `every ${step} ${unit}s` : ''
}

function isFull(field: CrontabField, values: readonly number[]): boolean {
  return values.length === CRONTAB_FIELDS[field].last - CRONTAB_FIELDS[field].first + 1
}

function prefixed(before: string, values: readonly number[] | null, name: (value: number) => string, after = ''): string {
  return values === null ? '' : `${before}${ranges(values, name)}${after}`
}

/** `Monday to Friday`, `1, 15 and 20 to 25`. */
function ranges(values: readonly number[], name: (value: number) => string): string {
  const runs: [number, number][] = []
  for (const value of values) {
    const last = runs.at(-1)
    if (last !== undefined && last[1] === value - 1) last[1] = value
    else runs.push([value, value])
  }
  return listed(
    runs.flatMap(([from, to]) => {
      if (from === to) return [name(from)]
      return to === from + 1 ? [name(from), name(to)] : [`${name(from)} to ${name(to)}`]
    }),
  )
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
