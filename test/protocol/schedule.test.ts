import { expect } from 'chai'
import fc from 'fast-check'
import {
  clocked,
  crontab,
  decodeEntry,
  encodeEntry,
  every,
  isTimezone,
  MISFIRES,
  OVERLAPS,
  readBeatSchedule,
  readEntry,
  type ScheduleEntry,
  SOLAR_EVENTS,
  solar,
} from '../../src/protocol/schedule.js'
import { wireValue } from './wire-values.js'

const FIVE = crontab({ minute: 0, hour: 5 })

describe('schedules as settings and code say them', () => {
  for (const [given, schedule] of [
    [30, every(30)],
    [0.5, every(0.5)],
    ['10m', every(600)],
    ['90', every(90)],
    [{ every: '1h', relative: true }, every(3600, { relative: true })],
    [{ minute: 0, hour: 5 }, FIVE],
    [{ minute: '0', hour: [5] }, FIVE],
    [{ crontab: { minute: 0, hour: 5 } }, FIVE],
    [{ crontab: '0 5 * * *' }, FIVE],
    ['0 5 * * *', FIVE],
    ['*/20 0 5 1 jan mon', crontab({ second: '*/20', minute: 0, hour: 5, dayOfMonth: 1, monthOfYear: 'jan', dayOfWeek: 'mon' })],
    [{ day_of_week: 'mon-fri', month_of_year: '*/3' }, crontab({ dayOfWeek: 'mon-fri', monthOfYear: '*/3' })],
    [FIVE, FIVE],
    [{ event: 'sunset', lat: 51.5, lon: -0.1 }, solar('sunset', 51.5, -0.1)],
    [{ solar: { event: 'sunset', latitude: 51.5, longitude: -0.1 } }, solar('sunset', 51.5, -0.1)],
    [{ at: '2026-05-01T10:00:00+02:00' }, clocked(Date.UTC(2026, 4, 1, 8))],
    [{ clocked: new Date('2026-05-01T08:00:00Z') }, clocked('2026-05-01T08:00:00Z')],
  ]) {
    it(`are read from ${JSON.stringify(given)}`, () => {
      expect(readEntry('e', { task: 'a', schedule: given }))
        .to.have.nested.property('entry.schedule')
        .that.deep.equals(schedule)
    })
  }

  for (const [given, message] of [
    [0, 'schedule: expected a span'],
    [-1, 'schedule: expected a span'],
    [Number.NaN, 'schedule: expected a span'],
    [{ every: '10 parsecs' }, 'schedule.every: expected a span'],
    ['* * *', 'schedule: expected seconds, a span'],
    ['0 25 * * *', "schedule.hour: '25' is out of range"],
    [{ hour: '25' }, "schedule.hour: '25' is out of range"],
    [{ crontab: { hour: '25' } }, "schedule.crontab.hour: '25' is out of range"],
    [{ dayOfMonth: 31, monthOfYear: 'feb' }, 'schedule: never fires'],
    [{ hourr: 5 }, 'schedule.hourr: is unknown here; known are second, minute, hour'],
    [{ hour: 5, nowfun: 'x' }, 'schedule.nowfun: is a function; give the entry a timezone instead'],
    [{ event: 'noon', lat: 0, lon: 0 }, 'schedule.event: expected dawn_astronomical'],
    [{ event: 'sunset', lat: 91, lon: 0 }, 'schedule.lat: expected degrees from -90 to 90, not 91'],
    [{ event: 'sunset', lat: 1 }, 'schedule.longitude: is missing'],
    [{ at: '2026-05-01T08:00:00' }, 'schedule.at: expected a moment'],
    [{ kind: 'lunar' }, 'schedule.kind: expected interval, crontab, solar or clocked, not "lunar"'],
    [[], 'schedule: expected seconds'],
    [() => 5, 'schedule: expected seconds'],
  ] as const) {
    it(`are refused: ${typeof given === 'function' ? 'a function' : JSON.stringify(given)}`, () => {
      const read = readEntry('sitemaps', { task: 'a', schedule: given })

      expect(read).to.have.property('reason').that.includes(`entry "sitemaps": ${message}`)
    })
  }

  it('are refused where they are made, with a code', () => {
    expect(() => every(0))
      .to.throw('every.every')
      .with.property('code', 'E_SCHEDULE')
    expect(() => solar('sunset', 0, 181))
      .to.throw('solar.longitude: expected degrees')
      .with.property('code', 'E_SCHEDULE')
    expect(() => clocked('tomorrow'))
      .to.throw('clocked.at: expected a moment')
      .with.property('code', 'E_SCHEDULE')
  })
})

describe("Celery's beat_schedule", () => {
  it('is read, in either spelling, with what we add', () => {
    const { entries, problems } = readBeatSchedule({
      sitemaps: {
        ...{ task: 'kuma.sitemaps', schedule: { minute: 0, hour: 5 }, args: [1], kwargs: { all: true } },
        ...{
          options: { queue: 'slow', priority: 3, expires: 15.0, time_limit: 60, routing_key: 'slow', serializer: 'json' },
          relative: true,
        },
        ...{ timezone: 'Europe/London', one_off: true, misfireLimit: 5, misfire: 'all', overlap: 'skip', jitter: '10s', enabled: false },
        ...{ start: '2026-01-01T00:00:00Z', expiry: '2027-01-01T00:00:00+01:00' },
      },
      feeds: { task: 'kuma.feeds', schedule: 600, relative: true },
    })

    expect(problems).to.deep.equal([])
    expect(entries).to.deep.equal([
      {
        ...{ name: 'sitemaps', task: 'kuma.sitemaps', args: [1], kwargs: { all: true }, schedule: FIVE, timezone: 'Europe/London' },
        ...{
          options: { queue: 'slow', priority: 3, expires: 15, timeLimit: 60 },
          enabled: false,
          jitter: 10,
          misfire: 'all',
          misfireLimit: 5,
        },
        ...{ overlap: 'skip', oneOff: true, start: Date.UTC(2026, 0, 1), expiry: Date.UTC(2026, 11, 31, 23) },
      },
      {
        ...{
          name: 'feeds',
          task: 'kuma.feeds',
          args: [],
          kwargs: {},
          schedule: every(600, { relative: true }),
          timezone: null,
          options: {},
        },
        ...{ enabled: true, start: null, expiry: null, jitter: 0, misfire: 'once', misfireLimit: 100, overlap: 'allow', oneOff: false },
      },
    ] satisfies ScheduleEntry[])
  })

  it('takes a signature for the task, whose arguments and options count where the entry names none', () => {
    const task = {
      task: 'a.b',
      args: [1],
      kwargs: { x: 1 },
      options: { queue: 'q', time_limit: 5, task_id: 'once' },
      subtask_type: null,
      immutable: false,
    }
    const { entries } = readBeatSchedule({ one: { task, every: 5 }, two: { task, every: 5, args: [2], options: { queue: 'other' } } })

    expect(entries[0]).to.deep.include({ task: 'a.b', args: [1], kwargs: { x: 1 }, options: { queue: 'q', timeLimit: 5 } })
    expect(entries[1]).to.deep.include({ args: [2], kwargs: { x: 1 }, options: { queue: 'other', timeLimit: 5 } })
  })

  it('keeps the good entries when others are bad', () => {
    const { entries, problems } = readBeatSchedule({ good: { task: 'a', schedule: 5 }, bad: { task: 'a' }, worse: null })

    expect(entries.map(({ name }) => name)).to.deep.equal(['good'])
    expect(problems).to.deep.equal([
      { name: 'bad', reason: 'entry "bad": schedule: is missing' },
      { name: 'worse', reason: `entry "worse": expected an entry such as { task: 'app.task', schedule: 600 }, not null` },
    ])
    expect(readBeatSchedule(undefined)).to.deep.equal({ entries: [], problems: [] })
    expect(readBeatSchedule([]).problems[0]).to.have.property('reason', 'beatSchedule: expected entries by name, not a list')
  })

  for (const [fields, message] of [
    [{ task: '' }, 'task: expected the name of a task or a signature, not ""'],
    [{ task: undefined }, 'task: is missing'],
    [{ timezone: 'Mars/Base' }, `timezone: "Mars/Base" is no time zone such as 'Europe/London'`],
    [{ args: { x: 1 } }, 'args: expected a list, not an object'],
    [{ args: [{ deep: [() => 1] }] }, 'args[0].deep[0]: a function cannot be sent'],
    [{ kwargs: { m: new Map() } }, 'kwargs.m: a Map cannot be sent'],
    [{ options: { headers: { x: Symbol('s') } } }, 'options.headers.x: a symbol cannot be sent'],
    [{ options: { prio: 1 } }, 'options.prio: is unknown here; known are queue, priority, expires'],
    [{ options: { priority: 1.5 } }, 'options.priority: expected a whole number from 0 to 255, not 1.5'],
    [{ options: { expires: new Date(0) } }, 'options.expires: expected a span: it counts from each time the entry is due'],
    [{ options: { countdown: 5 } }, 'options.countdown: the schedule says when it runs'],
    [{ misfire: 'never' }, 'misfire: expected skip, once, all, not "never"'],
    [{ misfireLimit: 0 }, 'misfireLimit: expected a whole number from 1 to 10000, not 0'],
    [{ enabled: 'no' }, 'enabled: expected true or false, not "no"'],
    [{ start: 10, expiry: 10 }, 'expiry: lies before start'],
    [{ taks: 'x' }, 'taks: is unknown here; known are task, schedule'],
  ] satisfies [object, string][]) {
    it(`names the field that is wrong: ${message.slice(0, 60)}`, () => {
      const read = readEntry('e', { task: 'a', schedule: 5, ...fields })

      expect(read).to.have.property('reason').that.includes(`entry "e": ${message}`)
    })
  }
})

describe('an entry in a store', () => {
  const moment = fc.integer({ min: 0, max: 4e12 })
  const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null })
  const args = fc.array(wireValue, { maxLength: 3 })
  const named = fc.dictionary(
    fc.string({ minLength: 1 }).filter((key) => !key.startsWith('__')),
    wireValue,
    { maxKeys: 3 },
  )
  const anyEntry: fc.Arbitrary<ScheduleEntry> = fc
    .record({
      name: fc.string({ minLength: 1, maxLength: 20 }).filter((name) => name.trim() !== ''),
      task: fc.string({ minLength: 1 }).filter((task) => task.trim() !== ''),
      args,
      kwargs: named,
      schedule: fc.oneof(
        fc.tuple(fc.integer({ min: 100, max: 1e9 }), fc.boolean()).map(([span, relative]) => every(span / 1000, { relative })),
        fc.record({ minute: fc.integer({ min: 0, max: 59 }), dayOfWeek: fc.constantFrom('sat-mon', '*', '*/2') }).map(crontab),
        fc
          .tuple(fc.constantFrom(...SOLAR_EVENTS), fc.integer({ min: -90, max: 90 }), fc.integer({ min: -180, max: 180 }))
          .map(([event, latitude, longitude]) => solar(event, latitude, longitude)),
        moment.map((at) => clocked(at)),
      ),
      timezone: fc.constantFrom(null, 'UTC', 'Pacific/Chatham'),
      options: fc.record(
        {
          queue: fc.constant('mail'),
          priority: fc.nat(255),
          expires: fc.integer({ min: 1, max: 1e9 }),
          headers: named,
          timeLimit: fc.constant(1.5),
        },
        { requiredKeys: [] },
      ),
      enabled: fc.boolean(),
      start: some(moment),
      expiry: some(moment.map((at) => at + 5e12)),
      jitter: fc.nat(1e9),
      misfire: fc.constantFrom(...MISFIRES),
      misfireLimit: fc.integer({ min: 1, max: 10_000 }),
      overlap: fc.constantFrom(...OVERLAPS),
      oneOff: fc.boolean(),
    })
    .map((entry) => ({ ...entry }))

  it('comes back as it was', () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        expect(decodeEntry(encodeEntry(entry))).to.deep.equal({ ok: true, entry })
      }),
      { numRuns: 500 },
    )
  })

  it('is read or refused with a reason, however damaged', () => {
    const damaged = fc.tuple(anyEntry.map(encodeEntry), fc.nat(), fc.nat(), fc.string()).map(([json, at, length, insert]) => {
      const from = at % json.length
      return json.slice(0, from) + insert + json.slice(from + (length % 20))
    })
    const swapped = fc
      .tuple(anyEntry, fc.constantFrom('name', 'task', 'args', 'kwargs', 'schedule', 'options', 'start', 'misfire', 'oneOff'), fc.json())
      .map(([entry, key, json]) => JSON.stringify({ ...entry, args: [], kwargs: {}, options: {}, [key]: JSON.parse(json) }))
    fc.assert(
      fc.property(fc.oneof(damaged, swapped, fc.json(), fc.string()), (json) => {
        const read = decodeEntry(json)

        if (read.ok) expect(decodeEntry(encodeEntry(read.entry))).to.deep.equal(read)
        else expect(read.reason).to.be.a('string').that.is.not.empty
      }),
      { numRuns: 2000 },
    )
  })

  it('of a newer version is refused rather than half understood', () => {
    const json = JSON.stringify({ name: 'e', task: 'a', schedule: 5, exceptOn: 'holidays' })

    expect(decodeEntry(json)).to.have.property('reason').that.includes('exceptOn: is unknown here')
  })

  it('is not stored with arguments that are not JSON', () => {
    const read = readEntry('e', { task: 'a', schedule: 5 })
    if (!read.ok) throw new Error(read.reason)

    expect(() => encodeEntry({ ...read.entry, args: [() => 1] })).to.throw('entry.args[0]: a function cannot be sent')
  })
})

describe('a time zone', () => {
  for (const [name, known] of [
    ...([
      ['UTC', true],
      ['Europe/London', true],
      ['America/Argentina/Buenos_Aires', true],
      ['Etc/GMT+5', true],
      ['GMT', true],
    ] as const),
    ...([
      ['', false],
      ['Mars/Base', false],
      ['+02:00', false],
      ['Europe/', false],
      ['../etc/passwd', false],
      ['Europe/London ', false],
    ] as const),
  ]) {
    it(`is ${known ? '' : 'not '}${JSON.stringify(name)}`, () => expect(isTimezone(name)).to.equal(known))
  }
})
