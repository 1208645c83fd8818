import { expect } from 'chai'
import fc from 'fast-check'
import { formatIso, isCalendarDate, isClockTime, isMoment, parseIso } from '../../src/protocol/dates.js'

describe('dates', () => {
  it('are written as Python writes them, and read back', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
        (date) => {
          const text = formatIso(date.getTime())

          expect(text).to.equal(
            date
              .toISOString()
              .replace('.000', '')
              .replace(/(\.\d{3})?Z$/, (_, millis) => `${millis ? `${millis}000` : ''}+00:00`),
          )
          expect(parseIso(text)).to.equal(date.getTime())
          expect(parseIso(date.toISOString())).to.equal(date.getTime())
        },
      ),
      { numRuns: 5000 },
    )
  })

  const READ: readonly (readonly [string, string])[] = [
    ['2030-01-02T03:04:05.123456', '2030-01-02T03:04:05.123Z'],
    ['2030-01-02 03:04:05', '2030-01-02T03:04:05Z'],
    ['2030-01-02T03:04', '2030-01-02T03:04:00Z'],
    ['2030-01-02', '2030-01-02T00:00:00Z'],
    ['2030-01-02T03:04:05Z', '2030-01-02T03:04:05Z'],
    ['2030-01-02T03:04:05+02:00', '2030-01-02T01:04:05Z'],
    ['2030-01-02T03:04:05-0530', '2030-01-02T08:34:05Z'],
    ['2030-01-02T03:04:05+02', '2030-01-02T01:04:05Z'],
    ['2030-01-02T03:04:05.9+00:00:01', '2030-01-02T03:04:04.900Z'],
    ['2024-02-29T12:30:01.250000+00:00', '2024-02-29T12:30:01.250Z'],
    ['0001-01-01T00:00:00', '0001-01-01T00:00:00.000Z'],
  ]
  for (const [text, same] of READ) {
    it(`are read: ${text}`, () => {
      expect(parseIso(text)).to.equal(Date.parse(same))
    })
  }

  it('are refused when they are none, or outside the years 1 to 9999', () => {
    const bad = [
      '',
      'tomorrow',
      '2030',
      '2030-1-2',
      '2030-02-30',
      '2023-02-29',
      '2030-13-01',
      '2030-00-01',
      '2030-01-01T24:00:00',
      '2030-01-01T00:60:00',
    ]
    const worse = [
      '2030-01-01T00:00:60',
      '0000-01-01',
      '0001-01-01T00:00:00+01:00',
      '9999-12-31T23:00:00-02:00',
      '12030-01-01',
      '2030-01-01T00:00:00+25:00',
      ' 2030-01-01',
    ]
    for (const text of [...bad, ...worse, `2030-01-01T00:00:00.${'1'.repeat(50)}`]) expect(parseIso(text), text).to.equal(null)
  })

  it('know the moments Python can hold', () => {
    expect([Number.NaN, Infinity, -Infinity, 8.64e15, -62_135_596_800_001].some(isMoment)).to.equal(false)
    expect([0, -62_135_596_800_000, 253_402_300_799_999].every(isMoment)).to.equal(true)
  })

  it('include days of the calendar and times of day', () => {
    expect(isCalendarDate('2024-02-29')).to.equal(true)
    expect(['2023-02-29', '2024-2-9', '2024-02-29T00:00'].some(isCalendarDate)).to.equal(false)
    expect(['01:02', '01:02:03', '23:59:59.123456', '01:02:03+05:30', '01:02:03Z'].every(isClockTime)).to.equal(true)
    expect(['24:00:00', '1:2:3', '01:60', '01:02:03.', 'x'].some(isClockTime)).to.equal(false)
  })
})
