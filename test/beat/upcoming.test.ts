import { expect } from 'chai'
import { Calendar } from '../../src/beat/calendar.js'
import { readMoment } from '../../src/beat/moment.js'
import { upcoming } from '../../src/beat/upcoming.js'
import { crontab, every } from '../../src/protocol/schedule.js'
import { anEntry } from './an-entry.js'

const calendar = new Calendar('Europe/Berlin')
const zone = calendar.zone(null)

describe('the next times of an entry', () => {
  it('are on the wall clock of its zone, with the offset of each', () => {
    const times = upcoming(anEntry(crontab({ minute: 0, hour: 5 })), Date.parse('2026-10-23T12:00:00Z'), 3, calendar)

    expect(times.map(({ wall }) => wall)).to.deep.equal([
      '2026-10-24T05:00:00+02:00',
      '2026-10-25T05:00:00+01:00',
      '2026-10-26T05:00:00+01:00',
    ])
    expect(times.map(({ clocks }) => clocks)).to.deep.equal([null, null, null])
  })

  it('say which of two equal times it is, and that a time in a gap comes after it', () => {
    const entry = anEntry(crontab({ minute: 30, hour: 2 }))

    const autumn = upcoming(entry, Date.parse('2026-10-24T12:00:00Z'), 2, calendar)
    const spring = upcoming(entry, Date.parse('2026-03-28T12:00:00Z'), 2, calendar)

    expect(autumn.map(({ wall, clocks }) => [wall, clocks])).to.deep.equal([
      ['2026-10-25T02:30:00+02:00', 'first'],
      ['2026-10-26T02:30:00+01:00', null],
    ])
    expect(spring.map(({ wall, clocks }) => [wall, clocks])).to.deep.equal([
      ['2026-03-29T03:00:00+02:00', 'after-gap'],
      ['2026-03-30T02:30:00+02:00', null],
    ])
  })

  it('of an interval come in both of two equal hours', () => {
    const times = upcoming(anEntry(every('1h')), Date.parse('2026-10-24T23:59:00Z'), 2, calendar, Date.parse('2026-10-24T00:30:00Z'))

    expect(times.map(({ wall, clocks }) => [wall, clocks])).to.deep.equal([
      ['2026-10-25T02:30:00+02:00', 'first'],
      ['2026-10-25T02:30:00+01:00', 'second'],
    ])
  })

  it('are shown for a disabled entry too, and end with it', () => {
    const entry = anEntry(crontab({ minute: 0, hour: 5 }), { enabled: false, expiry: Date.parse('2026-05-03T00:00:00Z') })

    expect(upcoming(entry, Date.parse('2026-05-01T00:00:00Z'), 5, calendar)).to.have.length(2)
  })

  it('have their jitter', () => {
    const [time] = upcoming(anEntry(crontab({ minute: 0, hour: 5 }), { jitter: 3600 }), 0, 1, calendar)

    expect(time!.sent).to.be.within(time!.due, time!.due + 3_600_000)
  })
})

describe('a moment that somebody types', () => {
  const now = Date.parse('2026-05-04T12:00:00Z') // 14:00 in Berlin
  const read = (text: string) => new Date(readMoment('at', text, zone, now)).toISOString()

  it('is taken as it is with an offset, and on the wall clock of the zone without', () => {
    expect(read('2026-05-01T08:00:00Z')).to.equal('2026-05-01T08:00:00.000Z')
    expect(read('2026-05-01T08:00:00+05:30')).to.equal('2026-05-01T02:30:00.000Z')
    expect(read('2026-05-01 08:00')).to.equal('2026-05-01T06:00:00.000Z')
    expect(read('2026-05-01')).to.equal('2026-04-30T22:00:00.000Z')
  })

  it('as a clock time alone is the last one that was', () => {
    expect(read('14:00')).to.equal('2026-05-04T12:00:00.000Z')
    expect(read('5:00')).to.equal('2026-05-04T03:00:00.000Z')
    expect(read('14:01')).to.equal('2026-05-03T12:01:00.000Z')
  })

  for (const text of ['', 'noon', '25:00', '2026-02-30', '99999999999']) {
    it(`is refused when it is ${JSON.stringify(text)}`, () => {
      expect(() => read(text))
        .to.throw('is no moment')
        .with.property('code', 'E_ARGUMENTS')
    })
  }
})
