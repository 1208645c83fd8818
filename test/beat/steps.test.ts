import { expect } from 'chai'
import fc from 'fast-check'
import { Calendar } from '../../src/beat/calendar.js'
import { nextDue, sendAt } from '../../src/beat/due.js'
import { type PlannedEntry, stepsOf } from '../../src/beat/steps.js'
import { crontab, every, MISFIRES, OVERLAPS, type Schedule, type ScheduleEntry } from '../../src/protocol/schedule.js'
import { anEntry, ms } from './an-entry.js'

const calendar = new Calendar('Europe/London')
/** Half an hour before clocks go forward. */
const START = ms('2026-03-29T00:30:00Z')

const schedule: fc.Arbitrary<Schedule> = fc.oneof(
  fc.integer({ min: 1, max: 7200 }).map((seconds) => every(seconds)),
  fc.constantFrom(crontab({}), crontab({ minute: '*/7' }), crontab({ minute: 15, hour: 1 }), crontab({ second: '*/20' })),
)
const entries: fc.Arbitrary<ScheduleEntry> = fc
  .record({
    schedule,
    misfire: fc.constantFrom(...MISFIRES),
    overlap: fc.constantFrom(...OVERLAPS),
    misfireLimit: fc.integer({ min: 1, max: 5 }),
    jitter: fc.constantFrom(0, 0, 10, 300),
  })
  .map(({ schedule: when, ...more }) => anEntry(when, more))

/** Plans and sends as a beat that looks at these moments; returns the due times that were sent. */
function sentAt(entry: ScheduleEntry, looks: readonly number[]): readonly number[] {
  let one: PlannedEntry = { entry, planned: null, lastDue: null, from: START, waiting: false }
  const sent: number[] = []
  for (const now of looks) {
    for (let more = true; more; ) {
      const steps = stepsOf(one, now, calendar)
      for (const { planned, next, due, outcome } of steps) {
        expect(planned, 'a step begins where the one before ended').to.equal(one.planned)
        if (planned !== null && next !== null) expect(next).to.be.greaterThan(planned)
        if (due !== null && outcome !== 'skipped-misfire') sent.push(due)
        one = { ...one, planned: next, lastDue: due ?? one.lastDue }
      }
      more = steps.length > 0 && one.planned !== null
    }
    if (one.planned === null) break
  }
  return sent
}

describe('the steps of an entry', () => {
  it('send each due time once, in order, when somebody looks at least every minute', () => {
    fc.assert(
      fc.property(entries, fc.array(fc.integer({ min: 1, max: 59_000 }), { minLength: 1, maxLength: 60 }), (entry, gaps) => {
        let now = START
        const looks = [START, ...gaps.map((gap) => (now += gap))]

        const due: number[] = []
        for (
          let at = nextDue(entry, START, calendar);
          at !== null && sendAt(entry, at, calendar) <= now;
          at = nextDue(entry, at, calendar, at)
        ) {
          due.push(at)
        }
        expect(sentAt(entry, looks)).to.deep.equal(due)
      }),
      { numRuns: 150 },
    )
  })

  it('send no due time twice and none too early, whatever the gaps between two looks', () => {
    fc.assert(
      fc.property(entries, fc.array(fc.integer({ min: 1, max: 50_000_000 }), { minLength: 1, maxLength: 15 }), (entry, gaps) => {
        let now = START
        const looks = [START, ...gaps.map((gap) => (now += gap))]

        const sent = sentAt(entry, looks)

        expect(sent).to.deep.equal([...new Set(sent)].sort((a, b) => a - b))
        for (const due of sent) expect(sendAt(entry, due, calendar)).to.be.at.most(now)
      }),
      { numRuns: 100 },
    )
  })

  it('of an interval whose plan lies further ahead than it is long, plan anew: the clock was set back', () => {
    const one = { entry: anEntry(every(10)), planned: START + 3_600_000, lastDue: null, from: START, waiting: false }

    expect(stepsOf(one, START + 4000, calendar)).to.deep.equal([{ planned: one.planned, next: START + 10_000, due: null, outcome: 'sent' }])
    const later = anEntry(every(10), { start: START + 3_600_000 })
    expect(stepsOf({ ...one, entry: later }, START, calendar)).to.deep.equal([])
  })
})
