import { expect } from 'chai'
import fc from 'fast-check'
import { CRONTAB_FIELDS, type CrontabField, type CrontabInput, crontab, expandCrontab } from '../../src/protocol/schedule.js'

describe('the fields of a crontab', () => {
  for (const [field, written, values] of [
    ['minute', '*/15', [0, 15, 30, 45]],
    ['minute', '0,30-34,50-59/3', [0, 30, 31, 32, 33, 34, 50, 53, 56, 59]],
    ['minute', '55-5', [0, 1, 2, 3, 4, 5, 55, 56, 57, 58, 59]],
    ['minute', '*/100', [0]],
    ['minute', ' 5 , 10 ', [5, 10]],
    ['minute', 7, [7]],
    ['minute', [30, 0, '10-12', 30], [0, 10, 11, 12, 30]],
    ['hour', '22-2/2', [0, 2, 22]],
    ['hour', '5-5', [5]],
    ['hour', '23-0', [0, 23]],
    ['dayOfWeek', 'sat-mon', [0, 1, 6]],
    ['dayOfWeek', 'Mon,Wednesday,thurs', [1, 3, 4]],
    ['dayOfWeek', '*/2', [0, 2, 4, 6]],
    ['dayOfMonth', '*/10', [1, 11, 21, 31]],
    ['dayOfMonth', '30-2', [1, 2, 30, 31]],
    ['monthOfYear', 'nov-feb', [1, 2, 11, 12]],
    ['monthOfYear', '*/2', [1, 3, 5, 7, 9, 11]],
    ['monthOfYear', 'jan,sept', [1, 9]],
    ['second', '*/20', [0, 20, 40]],
  ] satisfies [CrontabField, CrontabInput[CrontabField], number[]][]) {
    it(`read ${field} ${JSON.stringify(written)}`, () => {
      expect(expandCrontab(crontab({ [field]: written })))
        .to.have.nested.property(`times.${field}`)
        .that.deep.equals(values)
    })
  }

  it('are every minute by default, at second 0', () => {
    expect(crontab({})).to.deep.equal({
      kind: 'crontab',
      second: '0',
      minute: '*',
      hour: '*',
      dayOfWeek: '*',
      dayOfMonth: '*',
      monthOfYear: '*',
    })
  })

  for (const [fields, message] of [
    [{ minute: '61' }, "crontab.minute: '61' is out of range: expected 0 to 59"],
    [{ hour: '5,24' }, "crontab.hour: '24' is out of range: expected 0 to 23"],
    [{ minute: 60 }, "crontab.minute: '60' is out of range: expected 0 to 59"],
    [{ minute: '0-99999999999999999999' }, "crontab.minute: '0-99999999999999999999' is out of range: expected 0 to 59"],
    [{ dayOfMonth: '0' }, "crontab.dayOfMonth: '0' is out of range: expected 1 to 31"],
    [{ minute: '*/0' }, "crontab.minute: '*/0' has the step '0': it must be a whole number from 1"],
    [{ minute: '1-9/x' }, "crontab.minute: '1-9/x' has the step 'x': it must be a whole number from 1"],
    [{ minute: '5/10' }, "crontab.minute: '5/10' has a step and no range: write '5-59/10'"],
    [{ dayOfWeek: 'mon,7' }, "crontab.dayOfWeek: '7' is out of range: Sunday is 0, as in Celery"],
    [{ dayOfWeek: 'mo' }, "crontab.dayOfWeek: 'mo' is not understood: expected 0 to 6, or sun to sat"],
    [{ monthOfYear: 'mon' }, "crontab.monthOfYear: 'mon' is not understood: expected 1 to 12, or jan to dec"],
    [{ hour: 'mon' }, "crontab.hour: 'mon' is not understood: expected 0 to 23"],
    [{ minute: '1,,2' }, "crontab.minute: '' is empty: a value is missing"],
    [{ minute: '' }, "crontab.minute: '' is empty: a value is missing"],
    [{ minute: '-5' }, "crontab.minute: '-5' is none of '*', '5', '1-5', '*/2' and '1-9/2'"],
    [{ minute: '1-5-7' }, "crontab.minute: '1-5-7' is none of '*', '5', '1-5', '*/2' and '1-9/2'"],
    [{ minute: '@daily' }, "crontab.minute: '@daily' is none of '*', '5', '1-5', '*/2' and '1-9/2'"],
    [{ minute: '1,'.repeat(600) }, 'crontab.minute: longer than 1000 characters'],
    [{ dayOfMonth: 31, monthOfYear: 2 }, "crontab: never fires: no month of monthOfYear '2' has a day of dayOfMonth '31'"],
    [{ dayOfMonth: 31, monthOfYear: 'apr,jun' }, "crontab: never fires: no month of monthOfYear 'apr,jun' has a day of dayOfMonth '31'"],
  ] satisfies [CrontabInput, string][]) {
    it(`refuse ${JSON.stringify(fields).slice(0, 60)}`, () => {
      expect(() => crontab(fields))
        .to.throw(message)
        .with.property('code', 'E_SCHEDULE')
    })
  }

  it('may be 29 February', () => {
    expect(expandCrontab(crontab({ dayOfMonth: 29, monthOfYear: 'feb' }))).to.have.property('ok', true)
  })

  it('refuse or read any text, as values in range and in order', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('*', '/', '-', ',', '0', '5', '9', 'mon', 'jan', ' ') }))
    fc.assert(
      fc.property(text, fc.constantFrom(...(Object.keys(CRONTAB_FIELDS) as CrontabField[])), (written, field) => {
        const expanded = expandCrontab({ ...crontab({}), [field]: written })
        const { first, last } = CRONTAB_FIELDS[field]
        const values = expanded.ok ? expanded.times[field] : [first]

        expect(values).to.not.be.empty
        expect(values).to.deep.equal([...new Set(values)].sort((a, b) => a - b))
        expect(values.every((value) => value >= first && value <= last)).to.equal(true)
      }),
      { numRuns: 2000 },
    )
  })
})
