import { expect } from 'chai'
import { errorClass } from '../../src/monitor/task-row.js'

describe('the class of an error', () => {
  const cases: readonly (readonly [string | null, string | null, string | null])[] = [
    ["ValueError('no')", null, 'ValueError'],
    ["KeyError: 'x'", null, 'KeyError'],
    ['app.errors.MailError("a (b)")', null, 'app.errors.MailError'],
    ['StopIteration', null, 'StopIteration'],
    ['<Thing object at 0x7f>', null, null],
    ['', null, null],
    [null, null, null],
    [null, 'Traceback (most recent call last):\n  File "x", line 1\nTimeLimitExceeded: 30', 'TimeLimitExceeded'],
    ['ExceptionWithTraceback()', 'Traceback\nbilliard.exceptions.WorkerLostError: Worker exited\n', 'billiard.exceptions.WorkerLostError'],
    ['ExceptionWithTraceback()', null, 'ExceptionWithTraceback'],
    ['no class at all', null, null],
  ]
  for (const [exception, traceback, expected] of cases) {
    it(`of ${JSON.stringify(exception)}${traceback === null ? '' : ' with a traceback'} is ${expected}`, () => {
      expect(errorClass(exception, traceback)).to.equal(expected)
    })
  }

  it('is found in time in proportion to the text', () => {
    const began = performance.now()

    errorClass('a.'.repeat(100_000), 'b '.repeat(100_000))

    expect(performance.now() - began).to.be.lessThan(200)
  })
})
