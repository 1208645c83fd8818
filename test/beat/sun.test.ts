/**
 * Published times. Tromsø and Kyiv: U.S. Naval Observatory, "Complete Sun and Moon Data for One Day" (aa.usno.navy.mil/api/rstt/oneday, as
 * kept in the tests of mourner/suncalc), in UTC, to the minute. Auckland: sunrise-sunset.org, as printed in the README of
 * Richienb/sunrise-api, to the second; it has the twilights that the Observatory leaves out.
 */
import { expect } from 'chai'
import { Calendar } from '../../src/beat/calendar.js'
import { nextDue } from '../../src/beat/due.js'
import { SOLAR_EVENTS, type SolarEvent, solar } from '../../src/protocol/schedule.js'
import { anEntry, iso, ms } from './an-entry.js'

const calendar = new Calendar('UTC')
const TOLERANCE_MS = 120_000

type Place = readonly [latitude: number, longitude: number]

const TROMSO: Place = [69.6489, 18.95508]
const KYIV: Place = [50.45466, 30.5238]
const AUCKLAND: Place = [-36.8484437, 174.7600023]

const PUBLISHED: readonly (readonly [Place, string, Partial<Record<SolarEvent, string>>])[] = [
  [TROMSO, '2026-01-10', { dawn_civil: '08:10', dusk_civil: '13:34' }],
  [TROMSO, '2026-01-18', { dawn_civil: '07:48', sunrise: '09:52', solar_noon: '10:55', sunset: '11:58', dusk_civil: '14:02' }],
  [TROMSO, '2026-03-20', { dawn_civil: '03:44', sunrise: '04:44', solar_noon: '10:52', sunset: '17:02', dusk_civil: '18:02' }],
  [TROMSO, '2026-06-21', { solar_noon: '10:46' }],
  [TROMSO, '2026-09-23', { dawn_civil: '03:27', sunrise: '04:28', solar_noon: '10:37', sunset: '16:43', dusk_civil: '17:43' }],
  [TROMSO, '2026-12-21', { dawn_civil: '08:31', dusk_civil: '12:53' }],
  [KYIV, '2026-01-03', { dawn_civil: '05:20', sunrise: '05:58', solar_noon: '10:02', sunset: '14:07', dusk_civil: '14:45' }],
  [KYIV, '2026-06-21', { dawn_civil: '01:01', sunrise: '01:46', solar_noon: '10:00', sunset: '18:13', dusk_civil: '18:59' }],
  [KYIV, '2026-12-24', { dawn_civil: '05:18', sunrise: '05:57', solar_noon: '09:57', sunset: '13:58', dusk_civil: '14:37' }],
  [AUCKLAND, '2020-03-19', { dawn_astronomical: '16:57:52', dawn_nautical: '17:28:29', dawn_civil: '17:58:41', sunrise: '18:24:27' }],
  [AUCKLAND, '2020-03-20', { solar_noon: '00:28:16', sunset: '06:32:06', dusk_civil: '06:57:52' }],
  [AUCKLAND, '2020-03-20', { dusk_nautical: '07:28:04', dusk_astronomical: '07:58:40' }],
]

describe('the sun', () => {
  for (const [place, day, events] of PUBLISHED) {
    it(`does at ${place[0]}, ${place[1]} on ${day} what was published`, () => {
      for (const [event, time] of Object.entries(events) as [SolarEvent, string][]) {
        const published = ms(`${day}T${time}Z`)
        const due = nextDue(anEntry(solar(event, ...place)), published - 6 * 3_600_000, calendar) ?? 0

        expect(Math.abs(due - published), `${event} ${iso(due)}`).to.be.at.most(TOLERANCE_MS)
      }
    })
  }

  it('does not rise in the polar night, and the first sunrise after it is due next', () => {
    // Below the horizon on 21 December and 10 January, above it on 18 January: the Observatory.
    const due = nextDue(anEntry(solar('sunrise', ...TROMSO)), ms('2026-12-01T00:00:00Z'), calendar)

    expect(iso(due)).to.satisfy((text: string) => text > '2027-01-10' && text < '2027-01-18T12')
  })

  it('does not set while it is up all day', () => {
    const due = nextDue(anEntry(solar('sunset', ...TROMSO)), ms('2026-06-01T00:00:00Z'), calendar)

    expect(iso(due)).to.satisfy((text: string) => text > '2026-07-07' && text < '2026-08-01')
  })

  it('never sets at the pole, which is said after a search of a year', () => {
    expect(nextDue(anEntry(solar('sunset', 90, 0)), ms('2026-06-01T00:00:00Z'), calendar)).to.equal(null)
  })

  for (const event of SOLAR_EVENTS) {
    it(`goes on, ${event} after ${event}, about a day apart where there is one each day`, () => {
      const entry = anEntry(solar(event, 40.7, -74))
      let due = ms('2026-01-01T00:00:00Z')
      for (let day = 0; day < 400; day++) {
        const next = nextDue(entry, due, calendar) ?? Number.NaN
        if (day > 0) expect(next - due, iso(next)).to.be.within(86_400_000 - 180_000, 86_400_000 + 180_000)
        due = next
      }
    })
  }
})
