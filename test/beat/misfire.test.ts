import { expect } from 'chai'
import fc from 'fast-check'
import { Calendar } from '../../src/beat/calendar.js'
import { nextDue, sendAt } from '../../src/beat/due.js'
import { missed } from '../../src/beat/misfire.js'
import { crontab, every, MISFIRES, type ScheduleEntry } from '../../src/protocol/schedule.js'
import { anEntry, iso, ms } from './an-entry.js'

const calendar = new Calendar('UTC')
const NOON = ms('2026-06-01T12:00:00Z')
const HOURLY = anEntry(crontab({ minute: 0 }))
const DAY = 86_400_000

const times = (entry: ScheduleEntry, planned: number, now: number) =>
  missed(entry, planned, now, calendar).map((due) => iso(due).slice(8, 19))

describe('times that were missed', () => {
  for (const misfire of MISFIRES) {
    it(`are none before the plan, and the plan itself when it has come: ${misfire}`, () => {
      const entry = { ...HOURLY, misfire }

      expect(missed(entry, NOON, NOON - 1, calendar)).to.deep.equal([])
      expect(missed(entry, NOON, NOON, calendar)).to.deep.equal([NOON])
      expect(missed(entry, NOON, NOON + 59_000, calendar)).to.deep.equal([NOON])
    })

    it(`are all sent when the lead only changed: ${misfire}`, () => {
      const entry = anEntry(every(1), { misfire })

      expect(missed(entry, NOON, NOON + 10_500, calendar)).to.deep.equal(Array.from({ length: 11 }, (_, tick) => NOON + tick * 1000))
    })
  }

  for (const [misfire, now, expected] of [
    ['skip', '2026-06-02T11:20:00Z', []],
    ['skip', '2026-06-02T11:00:30Z', ['02T11:00:00']],
    ['once', '2026-06-02T11:20:00Z', ['02T11:00:00']],
    ['all', '2026-06-02T11:20:00Z', ['02T09:00:00', '02T10:00:00', '02T11:00:00']],
  ] as const) {
    it(`after a day away: ${misfire} sends ${expected.length}`, () => {
      expect(times({ ...HOURLY, misfire, misfireLimit: 3 }, NOON, ms(now))).to.deep.equal(expected)
    })
  }

  it('are found at once after a year of every second', () => {
    const entry = anEntry(every(1), { misfire: 'all', misfireLimit: 3 })
    const now = NOON + 365 * DAY + 500

    expect(times(entry, NOON, now)).to.deep.equal(['01T11:59:58', '01T11:59:59', '01T12:00:00'])
    expect(times({ ...entry, schedule: crontab({ second: '*', minute: '*', hour: '5', monthOfYear: 'jan' }) }, NOON, now)).to.deep.equal([
      ...['31T05:59:57', '31T05:59:58', '31T05:59:59'],
    ])
  })

  it('are one at most for a one-off entry', () => {
    const entry = anEntry(every(1), { misfire: 'all', oneOff: true })

    expect(missed(entry, NOON, NOON + 5000, calendar)).to.deep.equal([NOON])
    expect(missed(entry, NOON, NOON + DAY, calendar)).to.deep.equal([NOON + DAY])
  })

  it('are none while the entry is disabled', () => {
    expect(missed({ ...HOURLY, enabled: false }, NOON, NOON + DAY, calendar)).to.deep.equal([])
  })

  it('wait for their jitter, which is not lateness', () => {
    const entry = anEntry(every(3600), { jitter: 3000, misfire: 'skip' })
    const due = [0, 1, 2, 3, 4, 5].map((tick) => NOON + tick * 3_600_000).find((one) => sendAt(entry, one, calendar) > one + 600_000) ?? 0
    const sent = sendAt(entry, due, calendar)

    expect(missed(entry, due, sent - 1, calendar)).to.deep.equal([])
    expect(missed(entry, due, sent, calendar)).to.deep.equal([due])
  })

  it('are the newest of all due times, in order, whatever the entry and the time away', () => {
    const schedule = fc.oneof(
      fc.integer({ min: 5, max: 4000 }).map((span) => every(span)),
      fc.integer({ min: 1, max: 30 }).map((step) => crontab({ minute: `*/${step}`, hour: '*/5' })),
    )
    fc.assert(
      fc.property(schedule, fc.integer({ min: 61_000, max: DAY }), fc.integer({ min: 1, max: 9 }), (when, away, misfireLimit) => {
        const entry = anEntry(when, { misfire: 'all', misfireLimit })
        const planned = nextDue(entry, NOON, calendar) ?? Number.NaN
        const all: number[] = []
        for (let due: number | null = planned; due !== null && due <= planned + away; due = nextDue(entry, due, calendar, planned))
          all.push(due)

        expect(missed(entry, planned, planned + away, calendar)).to.deep.equal(all.slice(-misfireLimit))
      }),
      { numRuns: 200 },
    )
  })
})
