import { expect } from 'chai'
import { describeSchedule } from '../../src/beat/description.js'
import { clocked, crontab, every, type Schedule, solar } from '../../src/protocol/schedule.js'

describe('a schedule in words', () => {
  for (const [schedule, words] of [
    [every(1), 'every second'],
    [every(0.5), 'every 0.5 seconds'],
    [every(600), 'every 10 minutes'],
    [every(5400), 'every 90 minutes'],
    [every('30d'), 'every 30 days'],
    [every('1w'), 'every week'],
    [every('1h', { relative: true }), 'every hour, on the hour'],
    [crontab({}), 'every minute'],
    [crontab({ second: '*' }), 'every second'],
    [crontab({ minute: '*/10' }), 'every 10 minutes'],
    [crontab({ minute: '*/7' }), 'at minute 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour'],
    [crontab({ minute: 5 }), 'at minute 5 of every hour'],
    [crontab({ minute: 0, hour: 5 }), 'at 05:00'],
    [crontab({ second: 30, minute: 0, hour: 5 }), 'at 05:00:30'],
    [crontab({ minute: 0, hour: '5,17' }), 'at 05:00 and 17:00'],
    [crontab({ minute: 0, hour: '*/3' }), 'at minute 0 of every 3 hours'],
    [crontab({ minute: '*/15', hour: '8-17', dayOfWeek: 'mon-fri' }), 'every 15 minutes of hour 8 to 17 on Monday to Friday'],
    [crontab({ minute: 0, hour: 0, dayOfMonth: '1,15' }), 'at 00:00 on day 1 and 15 of the month'],
    [
      crontab({ minute: 0, hour: 0, dayOfWeek: 'sat-mon', monthOfYear: 'nov-feb' }),
      'at 00:00 on Sunday, Monday and Saturday in January, February, November and December',
    ],
    [solar('dusk_civil', 51.5, -0.1), 'at civil dusk (51.5, -0.1)'],
    [solar('solar_noon', 51.5, -0.1), 'at noon (51.5, -0.1)'],
    [clocked('2026-05-01T08:00:00+02:00'), 'once at 2026-05-01T06:00:00.000Z'],
  ] satisfies [Schedule, string][]) {
    it(`is ${words}`, () => expect(describeSchedule(schedule)).to.equal(words))
  }
})
