import { expect } from 'chai'
import fc from 'fast-check'
import { Calendar } from '../../src/beat/calendar.js'
import { nextDue, sendAt } from '../../src/beat/due.js'
import { clocked, crontab, every, type Schedule, type ScheduleEntry, solar } from '../../src/protocol/schedule.js'
import { anEntry, iso, ms } from './an-entry.js'

const calendar = new Calendar('Europe/London')
const NOON = ms('2026-06-01T12:00:00Z')

const moment = fc.integer({ min: ms('2020-01-01T00:00:00Z'), max: ms('2030-12-31T00:00:00Z') })
const schedules: fc.Arbitrary<Schedule> = fc.oneof(
  fc.tuple(fc.integer({ min: 100, max: 40 * 86_400_000 }), fc.boolean()).map(([span, relative]) => every(span / 1000, { relative })),
  fc.record({ minute: fc.integer({ min: 0, max: 59 }), hour: fc.constantFrom('*', '*/3', '1-2', '23') }).map(crontab),
  fc.constantFrom(solar('sunrise', 51.5, -0.1), solar('dusk_civil', -77.8, 166.7), solar('solar_noon', 0, 179.9)),
)
const timezones = fc.constantFrom(null, 'UTC', 'Australia/Lord_Howe', 'America/New_York', 'Asia/Kathmandu')

describe('when an entry is due', () => {
  it('is strictly after the time asked about, and nothing lies between', () => {
    fc.assert(
      fc.property(
        schedules,
        timezones,
        moment,
        moment,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (schedule, timezone, anchor, after, part) => {
          const entry = anEntry(schedule, { timezone })
          const due = nextDue(entry, after, calendar, anchor)
          if (due === null) throw new Error('none of these ever ends')

          expect(due).to.be.above(after)
          const between = after + Math.floor((due - 1 - after) * part)
          expect(iso(nextDue(entry, between, calendar, anchor))).to.equal(iso(due))
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('goes on by itself from each due time, for interval and all', () => {
    fc.assert(
      fc.property(schedules, timezones, moment, (schedule, timezone, anchor) => {
        const entry = anEntry(schedule, { timezone })
        let [planned, asked] = [anchor, anchor]
        for (let tick = 0; tick < 20; tick++) {
          asked = nextDue(entry, asked, calendar, anchor) ?? Number.NaN
          planned = nextDue(entry, planned, calendar) ?? Number.NaN
          // Half an hour of Lord Howe is no full hour: there a relative interval begins anew.
          if (timezone !== 'Australia/Lord_Howe') expect(iso(planned)).to.equal(iso(asked))
          expect(planned).to.be.below(nextDue(entry, planned, calendar) ?? 0)
        }
      }),
      { numRuns: 300 },
    )
  })

  describe('an interval', () => {
    it('does not drift, however late and seldom one asks', () => {
      const entry = anEntry(every(0.7))
      let due = NOON
      for (let tick = 0; tick < 10_000; tick++) due = nextDue(entry, due, calendar, NOON) ?? Number.NaN

      expect(due).to.equal(NOON + 7_000_000)
      expect(nextDue(entry, NOON + 6_999_999, calendar, NOON)).to.equal(due)
      expect(nextDue(entry, due + 350, calendar, NOON)).to.equal(due + 700)
    })

    it('counts from its start, which is the first due time', () => {
      const entry = anEntry(every(600), { start: NOON + 7 })

      expect(nextDue(entry, 0, calendar)).to.equal(NOON + 7)
      expect(nextDue(entry, NOON + 7, calendar)).to.equal(NOON + 7 + 600_000)
      expect(nextDue(entry, NOON + 5_000_000, calendar, NOON + 4_999_000)).to.equal(NOON + 7 + 5_400_000)
    })

    it('is real time over a change of clocks', () => {
      const entry = anEntry(every(3600))
      const before = ms('2026-10-25T00:30:00Z') // 01:30, the first time

      expect(iso(nextDue(entry, before, calendar))).to.equal('2026-10-25T01:30:00.000Z')
    })

    for (const [span, zone, after, expected] of [
      ['1h', 'UTC', '2026-06-01T10:20:30.5Z', '2026-06-01T11:00:00.000Z'],
      ['2h', 'UTC', '2026-06-01T10:20:30.5Z', '2026-06-01T12:00:00.000Z'],
      ['1h', 'Asia/Kathmandu', '2026-06-01T10:20:00Z', '2026-06-01T11:15:00.000Z'],
      ['10m', 'UTC', '2026-06-01T10:20:30.5Z', '2026-06-01T10:30:00.000Z'],
      ['30s', 'UTC', '2026-06-01T10:20:30.5Z', '2026-06-01T10:21:00.000Z'],
      [0.5, 'UTC', '2026-06-01T10:20:30.5Z', '2026-06-01T10:20:31.000Z'],
      ['1d', 'UTC', '2026-06-01T10:20:30.5Z', '2026-06-02T00:00:00.000Z'],
      ['1d', 'Europe/London', '2026-06-01T10:20:00Z', '2026-06-01T23:00:00.000Z'],
      ['1d', 'Europe/London', '2026-10-24T23:00:00Z', '2026-10-26T00:00:00.000Z'],
      ['1d', 'America/Havana', '2026-03-07T12:00:00Z', '2026-03-08T05:00:00.000Z'],
      ['7d', 'Europe/London', '2026-10-20T10:00:00Z', '2026-10-27T00:00:00.000Z'],
    ] as const) {
      it(`that is relative, every ${span} in ${zone}, is due at full units: ${expected}`, () => {
        const entry = anEntry(every(span, { relative: true }), { timezone: zone })

        expect(iso(nextDue(entry, ms(after), calendar))).to.equal(expected)
      })
    }
  })

  it('is in the zone of the entry, else in the default zone', () => {
    const five = crontab({ minute: 0, hour: 5 })

    expect(iso(nextDue(anEntry(five), NOON, calendar))).to.equal('2026-06-02T04:00:00.000Z')
    expect(iso(nextDue(anEntry(five, { timezone: 'Asia/Tokyo' }), NOON, calendar))).to.equal('2026-06-01T20:00:00.000Z')
  })

  it('takes day of month AND day of week, and ranges that wrap', () => {
    const friday13 = anEntry(crontab({ minute: 0, hour: 0, dayOfMonth: 13, dayOfWeek: 'fri' }), { timezone: 'UTC' })
    const weekend = anEntry(crontab({ minute: 0, hour: 0, dayOfWeek: 'sat-mon' }), { timezone: 'UTC' })

    expect(iso(nextDue(friday13, NOON, calendar))).to.equal('2026-11-13T00:00:00.000Z')
    expect(iso(nextDue(weekend, NOON, calendar))).to.equal('2026-06-06T00:00:00.000Z')
    expect(iso(nextDue(weekend, ms('2026-06-07T12:00:00Z'), calendar))).to.equal('2026-06-08T00:00:00.000Z')
  })

  it('is once for a clocked entry', () => {
    const entry = anEntry(clocked('2026-06-01T12:00:00Z'))

    expect(nextDue(entry, NOON - 1, calendar)).to.equal(NOON)
    expect(nextDue(entry, NOON, calendar)).to.equal(null)
  })

  for (const [what, more, expected] of [
    ['never when disabled', { enabled: false }, 'never'],
    ['not before its start', { start: ms('2026-06-03T05:00:00Z') }, '2026-06-03T05:00:00.000Z'],
    ['at its start, if due then', { start: ms('2026-06-03T04:00:00Z') }, '2026-06-03T04:00:00.000Z'],
    ['not at its expiry', { expiry: ms('2026-06-02T04:00:00Z') }, 'never'],
    ['before its expiry', { expiry: ms('2026-06-02T04:00:01Z') }, '2026-06-02T04:00:00.000Z'],
  ] satisfies [string, Partial<ScheduleEntry>, string][]) {
    it(`is ${what}`, () => {
      const five = crontab({ minute: 0, hour: what.includes('start') && !what.includes('if') ? 6 : 5 })

      expect(iso(nextDue(anEntry(five, more), NOON, calendar))).to.equal(expected)
    })
  }
})

describe('the jitter of an entry', () => {
  const entry = anEntry(every(600), { jitter: 60 })

  it('is the same whoever computes it, and differs by entry and due time', () => {
    const other = new Calendar('UTC')
    const delays = (one: ScheduleEntry) =>
      Array.from({ length: 50 }, (_, tick) => sendAt(one, NOON + tick * 600_000, calendar) - NOON - tick * 600_000)

    expect(sendAt({ ...entry }, NOON, other)).to.equal(sendAt(entry, NOON, calendar))
    expect(new Set(delays(entry)).size).to.be.above(45)
    expect(delays({ ...entry, name: 'another' })).to.not.deep.equal(delays(entry))
    expect(Math.min(...delays(entry))).to.be.at.least(0)
    expect(Math.max(...delays(entry))).to.be.within(45_000, 59_999)
  })

  it('keeps the order of due times, even when it is longer than the interval', () => {
    fc.assert(
      fc.property(schedules, moment, fc.integer({ min: 1, max: 10_000 }), (schedule, after, jitter) => {
        const one = anEntry(schedule, { jitter })
        const due = nextDue(one, after, calendar) ?? Number.NaN
        const next = nextDue(one, due, calendar) ?? Number.NaN

        expect(sendAt(one, due, calendar)).to.be.within(due, next - 1)
      }),
      { numRuns: 300 },
    )
  })

  it('is none by default', () => {
    expect(sendAt(anEntry(every(600)), NOON, calendar)).to.equal(NOON)
  })
})
