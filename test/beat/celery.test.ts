/** Our reading of schedules beside that of the Celery which is installed here. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import fc from 'fast-check'
import { Calendar } from '../../src/beat/calendar.js'
import { nextDue } from '../../src/beat/due.js'
import { type CrontabInput, crontab, every, expandCrontab } from '../../src/protocol/schedule.js'
import { python } from '../setup/servers.js'
import { anEntry, iso } from './an-entry.js'

interface Answer {
  readonly error?: string
  readonly fields?: Readonly<Record<string, readonly number[]>>
  readonly next?: number
  readonly is_due?: boolean
}

/** Without changes of clocks: there Celery is wrong (celery/celery#9653). */
const ZONES = ['UTC', 'Asia/Kolkata', 'America/Bogota'] as const

const SCRIPT = fileURLToPath(new URL('celery_schedules.py', import.meta.url))
const DAY = 86_400_000

const field = (first: number, last: number, names: readonly string[] = []) => {
  const value = fc.integer({ min: first, max: last }).map(String)
  const word = names.length === 0 ? value : fc.oneof(value, fc.constantFrom(...names))
  const range = fc.tuple(word, word).map(([from, to]) => `${from}-${to}`)
  const step = fc.tuple(fc.oneof(fc.constant('*'), range), fc.integer({ min: 1, max: 40 })).map(([what, by]) => `${what}/${by}`)
  return fc.oneof(fc.constant('*'), fc.uniqueArray(fc.oneof(word, range, step), { minLength: 1, maxLength: 3 }).map(String))
}

const fields = fc
  .record({
    minute: field(0, 59),
    hour: field(0, 23),
    dayOfWeek: fc.oneof(fc.constant('*'), field(0, 6, ['mon', 'sunday', 'Sat'])),
    dayOfMonth: fc.oneof(fc.constant('*'), field(1, 31)),
    monthOfYear: fc.oneof(fc.constant('*'), field(1, 12)),
  })
  // Celery gives up on days that hardly ever come.
  .filter(({ dayOfMonth, dayOfWeek, monthOfYear }) => [dayOfMonth, dayOfWeek, monthOfYear].filter((one) => one === '*').length > 0)
  .filter((given) => isReadable(given))

const last = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2028, 0, 1) })
const zone = fc.constantFrom(...ZONES)

describe("Celery's own schedules", function () {
  this.timeout(60_000)
  const calendar = new Calendar('UTC')

  it('are due when ours are, field by field and time by time', function () {
    const samples = fc.sample(fc.record({ given: fields, last, zone, later: fc.integer({ min: 0, max: DAY }) }), 500)
    const cases = samples
      .map(inComparableZone)
      .map((one) => ({ ...one, now: Math.min(one.last + one.later, endOfDay(one.last, one.zone)) }))
    const answers = ask(
      python(this),
      cases.map(({ given, last, now, zone }) => ({ crontab: snake(given), last, now, timezone: zone })),
    )

    for (const [index, { given, last, now, zone }] of cases.entries()) {
      const schedule = crontab(given)
      const { times } = expandCrontab(schedule) as Extract<ReturnType<typeof expandCrontab>, { ok: true }>
      const due = nextDue(anEntry(schedule, { timezone: zone }), last, calendar)
      const what = `${JSON.stringify(given)} after ${iso(last)} in ${zone}`
      const answer = answers[index] ?? {}

      expect(answer.fields, what).to.deep.equal({
        ...{ minute: times.minute, hour: times.hour, day_of_week: times.dayOfWeek },
        ...{ day_of_month: times.dayOfMonth, month_of_year: times.monthOfYear },
      })
      expect(iso(answer.next ?? null), what).to.equal(iso(due))
      expect(answer.is_due, `${what}, asked at ${iso(now)}`).to.equal(due !== null && due <= now)
    }
  })

  it('refuse what ours refuse', function () {
    const refused: readonly CrontabInput[] = [
      ...[{ minute: '60' }, { hour: '24' }, { dayOfWeek: '7' }, { dayOfMonth: '0' }, { dayOfMonth: '32' }, { monthOfYear: '13' }],
      ...[
        { minute: '*/0' },
        { minute: '5/10' },
        { minute: '1,,2' },
        { minute: '' },
        { minute: '-5' },
        { minute: '1-9/' },
        { hour: 'noon' },
      ],
    ]
    const answers = ask(
      python(this),
      refused.map((given) => ({ crontab: snake(given), last: 0, timezone: 'UTC' })),
    )

    for (const [index, given] of refused.entries()) {
      expect(() => crontab(given), JSON.stringify(given)).to.throw()
      expect(answers[index], JSON.stringify(given)).to.have.property('error')
    }
  })

  it('count intervals as ours do', function () {
    const plain = fc.record({ every: fc.integer({ min: 1, max: 5000 }), relative: fc.constant(false), last, zone })
    const unit = fc.constantFrom(...[1, 60, 3600, 86_400])
    const whole = fc.record({
      every: fc.tuple(unit, fc.integer({ min: 1, max: 59 })).map(([size, count]) => wholeUnits(size, count)),
      relative: fc.constant(true),
      last,
      zone,
    })
    const cases = fc.sample(fc.oneof(plain, whole), 200)
    const answers = ask(
      python(this),
      cases.map(({ zone, ...one }) => ({ ...one, timezone: zone })),
    )

    for (const [index, { every: span, relative, last, zone }] of cases.entries()) {
      const due = nextDue(anEntry(every(span, { relative }), { timezone: zone }), last, calendar)

      expect(iso(answers[index]?.next ?? null), `every ${span} s after ${iso(last)} in ${zone}`).to.equal(iso(due))
    }
  })
})

function ask(python: string, questions: readonly object[]): readonly Answer[] {
  return JSON.parse(execFileSync(python, [SCRIPT], { input: JSON.stringify(questions), encoding: 'utf8' })) as readonly Answer[]
}

function snake(given: CrontabInput): object {
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  )
}

/** With days of the month or months, Celery 5.2 takes the midnights of a zone for those of UTC and skips the first day of a month. */
function inComparableZone<T extends { given: CrontabInput; zone: (typeof ZONES)[number] }>(one: T): T {
  return one.given.dayOfMonth === '*' && one.given.monthOfYear === '*' ? one : { ...one, zone: 'UTC' }
}

/** Asked on another day than that of the last run, Celery forgets the rest of that hour. */
function endOfDay(at: number, zone: (typeof ZONES)[number]): number {
  const offset = { UTC: 0, 'Asia/Kolkata': 5.5, 'America/Bogota': -5 }[zone] * 3_600_000
  return Math.floor((at + offset) / DAY) * DAY + DAY - 1 - offset
}

function isReadable(given: CrontabInput): boolean {
  try {
    crontab(given)
    return true
  } catch {
    return false // 31 February: Celery searches for it without end
  }
}

/** As many of a unit as stay below the next larger one. */
function wholeUnits(size: number, count: number): number {
  return size === 3600 ? size * (count % 24 || 1) : size * count
}
