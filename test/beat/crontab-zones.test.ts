/**
 * G10, the wall clock. The reference walks real time minute by minute beside the wall clock and looks at each minute the clock shows or
 * jumps over for the first time: what jumps over a due time is due where it lands, what was shown before is not due again.
 */
import { expect } from 'chai'
import fc from 'fast-check'
import { Calendar } from '../../src/beat/calendar.js'
import { nextDue } from '../../src/beat/due.js'
import { type CrontabSchedule, type CrontabTimes, crontab, expandCrontab } from '../../src/protocol/schedule.js'
import { anEntry, iso, ms } from './an-entry.js'
import { type Change, distinct, type ZoneChanges, zonesWithChanges } from './tz-changes.js'

const MINUTE = 60_000
const HOUR = 3_600_000

/** By 45 minutes past the hour, by two hours, by half an hour. */
const ODD = ['Pacific/Chatham', 'Antarctica/Troll', 'Australia/Lord_Howe']

describe('crontabs over changes of clocks', () => {
  const calendar = new Calendar('UTC')
  let zones: readonly ZoneChanges[]

  before('look for the changes of 2020 to 2030 in all zones', function () {
    this.timeout(30_000)
    zones = distinct(zonesWithChanges(), ODD)

    expect(zones.map(({ zone }) => zone)).to.include.members(ODD)
    expect(zones.length).to.be.above(30)
  })

  it('are due as the walk says, at every change of every zone', function () {
    this.timeout(60_000)
    const schedules = [
      crontab({ minute: 30 }),
      crontab({ minute: 0, hour: '0-3,22-23' }),
      crontab({ minute: '15,45', hour: '1-2', dayOfWeek: 'sun' }),
    ]
    for (const { zone, changes } of zones) {
      for (const change of changes) for (const schedule of schedules) compare(schedule, zone, change, 5 * HOUR)
    }
  })

  it('are due as the walk says, each minute, where clocks change oddly', function () {
    this.timeout(60_000)
    for (const { zone, changes } of zones.filter(({ zone }) => ODD.includes(zone))) {
      for (const change of changes.slice(0, 6)) compare(crontab({}), zone, change, 4 * HOUR)
    }
  })

  it('are due as the walk says, whatever the fields and whenever one asks', function () {
    this.timeout(60_000)
    const field = (first: number, last: number) => {
      const value = fc.integer({ min: first, max: last })
      const some = fc.oneof(
        ...[value.map(String), fc.integer({ min: 1, max: 30 }).map((step) => `*/${step}`)],
        ...[fc.tuple(value, value).map(([from, to]) => `${from}-${to}`), fc.uniqueArray(value, { minLength: 1, maxLength: 4 }).map(String)],
      )
      return fc.oneof({ arbitrary: fc.constant('*'), weight: 1 }, { arbitrary: some, weight: 2 })
    }
    const fields = fc.record({
      minute: field(0, 59),
      hour: fc.oneof(field(0, 23), field(0, 4)),
      dayOfWeek: fc.oneof({ arbitrary: fc.constant('*'), weight: 4 }, { arbitrary: field(0, 6), weight: 1 }),
      dayOfMonth: fc.oneof({ arbitrary: fc.constant('*'), weight: 4 }, { arbitrary: field(1, 31), weight: 1 }),
    })
    const places = zones.flatMap(({ zone, changes }) => changes.map((change) => ({ zone, change })))
    const odd = places.filter(({ zone }) => ODD.includes(zone))
    const place = fc.oneof({ arbitrary: fc.constantFrom(...places), weight: 3 }, { arbitrary: fc.constantFrom(...odd), weight: 1 })

    fc.assert(
      fc.property(fields, place, fc.integer({ min: -4 * HOUR, max: 4 * HOUR }), (given, { zone, change }, offset) => {
        const schedule = crontab(given)
        const after = change.at + offset
        const end = after + 30 * HOUR
        const [expected] = walk(timesOf(schedule), change, after + 1, end)
        const due = nextDue(anEntry(schedule, { timezone: zone }), after, calendar)

        if (expected === undefined) expect(due === null || due > end, iso(due)).to.equal(true)
        else expect(iso(due)).to.equal(iso(expected))
      }),
      { numRuns: 4000 },
    )
  })

  it('are due as the walk says, to the second', () => {
    const seconds = crontab({ second: '*/20', minute: '58-2' })
    for (const { zone, changes } of zones.filter(({ zone }) => ODD.includes(zone))) {
      for (const change of changes.slice(0, 4)) compare(seconds, zone, change, 5 * MINUTE, 1000)
    }
  })

  for (const [what, zone, fields, after, expected] of [
    ['a time in the gap is due at its end', 'Europe/London', { minute: 30, hour: 1 }, '2026-03-29T00:00:00Z', '2026-03-29T01:00:00Z'],
    ['and the day after as always', 'Europe/London', { minute: 30, hour: 1 }, '2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'],
    ['several in the gap are one', 'Europe/London', { minute: '*/10', hour: 1 }, '2026-03-29T01:00:00Z', '2026-03-30T00:00:00Z'],
    [
      'a time that comes twice is due the first time',
      'Europe/London',
      { minute: 30, hour: 1 },
      '2026-10-24T12:00:00Z',
      '2026-10-25T00:30:00Z',
    ],
    ['and not the second', 'Europe/London', { minute: 30, hour: 1 }, '2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
    ['nor when one asks between', 'Europe/London', { minute: 30, hour: 1 }, '2026-10-25T01:10:00Z', '2026-10-26T01:30:00Z'],
    ['midnight in a gap', 'America/Havana', { minute: 0, hour: 0 }, '2026-03-07T12:00:00Z', '2026-03-08T05:00:00Z'],
    ['a gap that ends at midnight', 'America/Nuuk', { minute: 30, hour: 23 }, '2024-03-30T12:00:00Z', '2024-03-31T01:00:00Z'],
    ['a gap of half an hour', 'Australia/Lord_Howe', { minute: 15, hour: 2 }, '2026-10-03T12:00:00Z', '2026-10-03T15:30:00Z'],
    ['a gap of two hours', 'Antarctica/Troll', { minute: 30, hour: 2 }, '2026-03-29T00:00:00Z', '2026-03-29T01:00:00Z'],
    [
      '29 February on a Monday',
      'UTC',
      { minute: 0, hour: 0, dayOfMonth: 29, monthOfYear: 'feb', dayOfWeek: 'mon' },
      '2026-01-01T00:00:00Z',
      '2044-02-29T00:00:00Z',
    ],
  ] as const) {
    it(`${what}: ${zone}`, () => {
      expect(iso(nextDue(anEntry(crontab(fields), { timezone: zone }), ms(after), calendar))).to.equal(iso(ms(expected)))
    })
  }

  /** All due times around a change: those of the walk, and those of `nextDue` one after the other. */
  function compare(schedule: CrontabSchedule, zone: string, change: Change, around: number, step = MINUTE): void {
    const [from, to] = [change.at - around, change.at + around]
    const entry = anEntry(schedule, { timezone: zone })
    const found: number[] = []
    for (let due = nextDue(entry, from - 1, calendar); due !== null && due <= to; due = nextDue(entry, due, calendar)) found.push(due)

    expect(found.map(iso), `${zone} ${iso(change.at)}`).to.deep.equal(walk(timesOf(schedule), change, from, to, step).map(iso))
  }
})

/** The due times from `from` to `to`, where clocks change once. */
function walk(times: CrontabTimes, { at, before, after }: Change, from: number, to: number, step = MINUTE): number[] {
  const due: number[] = []
  const start = Math.min(from, at) - 4 * HOUR
  let seen = Math.floor(start / step) * step + before - step // the latest the wall clock has shown
  for (let time = Math.floor(start / step) * step; time <= to; time += step) {
    const wall = time + (time < at ? before : after)
    let isDue = false
    for (; seen < wall; seen += step) if (!isDue) isDue = matches(times, seen + step)
    if (isDue && time >= from) due.push(time)
  }
  return due
}

function matches(times: CrontabTimes, wall: number): boolean {
  const date = new Date(wall)
  return (
    times.minute.includes(date.getUTCMinutes()) &&
    times.hour.includes(date.getUTCHours()) &&
    times.second.includes(date.getUTCSeconds()) &&
    times.dayOfMonth.includes(date.getUTCDate()) &&
    times.dayOfWeek.includes(date.getUTCDay()) &&
    times.monthOfYear.includes(date.getUTCMonth() + 1)
  )
}

function timesOf(schedule: CrontabSchedule): CrontabTimes {
  const expanded = expandCrontab(schedule)
  if (!expanded.ok) throw new Error(expanded.reason)
  return expanded.times
}
