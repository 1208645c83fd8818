import { expect } from 'chai'
import { Calendar } from '../../src/beat/calendar.js'
import { explainDue } from '../../src/beat/explanation.js'
import { clocked, crontab, every, type Schedule, type ScheduleEntry, solar } from '../../src/protocol/schedule.js'
import { anEntry, iso, ms } from './an-entry.js'

const calendar = new Calendar('Europe/London')
const HALF_PAST_ONE = crontab({ minute: 30, hour: 1 })
const FIVE = crontab({ minute: 0, hour: 5, dayOfWeek: 'mon-fri' })

describe('why an entry was due or not', () => {
  for (const [what, schedule, at, verdict, words, more] of [
    ['it was', FIVE, '2026-06-01T04:00:20Z', 'due', 'due at 2026-06-01T04:00:00+00:00, 2026-06-01 05:00 in Europe/London'],
    ['another hour', FIVE, '2026-06-01T05:00:00Z', 'not-due', "hour 6 is not in '5'; next due after that at 2026-06-02T04:00:00+00:00"],
    ['another minute', FIVE, '2026-06-01T04:01:00Z', 'not-due', "minute 1 is not in '0'"],
    ['another day', FIVE, '2026-06-07T04:00:00Z', 'not-due', "dayOfWeek 0 is not in 'mon-fri'"],
    ['a gap', HALF_PAST_ONE, '2026-03-29T01:00:00Z', 'due-after-gap', 'went from 2026-03-29 01:00 to 2026-03-29 02:00'],
    ['the end of a gap, not by it', crontab({ minute: 0, hour: 2 }), '2026-03-29T01:00:00Z', 'due', 'due at'],
    [
      'the second time',
      HALF_PAST_ONE,
      '2026-10-25T01:30:00Z',
      'repeated',
      'came twice: it was due the first time, 2026-10-25T00:30:00+00:00',
    ],
    ['the first time', HALF_PAST_ONE, '2026-10-25T00:30:00Z', 'due', 'due at'],
    ['disabled', FIVE, '2026-06-01T04:00:00Z', 'disabled', 'it is disabled', { enabled: false }],
    ['disabled, and not due', FIVE, '2026-06-01T03:00:00Z', 'disabled', 'not due then either', { enabled: false }],
    ['before its start', FIVE, '2026-06-01T04:00:00Z', 'before-start', '2026-06-02T00:00:00+00:00', { start: ms('2026-06-02T00:00:00Z') }],
    ['expired', FIVE, '2026-06-01T04:00:00Z', 'expired', '2026-05-31T00:00:00+00:00', { expiry: ms('2026-05-31T00:00:00Z') }],
    ['once', clocked('2026-06-01T04:00:30Z'), '2026-06-01T04:00:00Z', 'due', '2026-06-01T04:00:30+00:00'],
    ['over', clocked('2026-06-01T04:00:30Z'), '2026-06-01T04:01:00Z', 'not-due', 'it is never due again'],
    ['no sun', solar('sunrise', 69.6, 19), '2026-12-21T10:00:00Z', 'not-due', 'next due after that at 2027-01'],
    ['an interval from nowhere', every(60), '2026-06-01T04:00:00Z', 'unknown', 'none is known'],
    ['an interval from its start', every(60), '2026-06-01T04:00:00Z', 'due', '04:00:07', { start: ms('2026-06-01T00:00:07Z') }],
  ] satisfies [string, Schedule, string, string, string, Partial<ScheduleEntry>?][]) {
    it(`says ${verdict}: ${what}`, () => {
      const explanation = explainDue(anEntry(schedule, more), ms(at), calendar)

      expect(explanation.verdict).to.equal(verdict)
      expect(explanation.text).to.include(words)
    })
  }

  it('lists every due time of the minute, and the next one after it', () => {
    const { due, next, from, until } = explainDue(anEntry(crontab({ second: '0,30' })), ms('2026-06-01T04:00:40Z'), calendar)

    expect(due.map(iso)).to.deep.equal(['2026-06-01T04:00:00.000Z', '2026-06-01T04:00:30.000Z'])
    expect(iso(next)).to.equal('2026-06-01T04:01:00.000Z')
    expect([iso(from), iso(until)]).to.deep.equal(['2026-06-01T04:00:00.000Z', '2026-06-01T04:01:00.000Z'])
  })

  it('counts an interval back from its last run', () => {
    const { due } = explainDue(anEntry(every(600)), ms('2026-06-01T03:50:00Z'), calendar, ms('2026-06-01T04:10:00Z'))

    expect(due.map(iso)).to.deep.equal(['2026-06-01T03:50:00.000Z'])
  })
})
