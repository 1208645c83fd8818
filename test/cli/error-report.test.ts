import { expect } from 'chai'
import { describeError, errorDocument, errorText } from '../../src/cli/error-report.js'
import { CelerityError } from '../../src/errors.js'
import { fromWireError } from '../../src/protocol/error-wire.js'
import { plain } from '../../src/terminal/colour.js'

const context = { command: 'config', commands: ['call', 'config', 'config check', 'purge'] }
/** As oclif makes them: told by shape, as in production. */
const oclif = (message: string, more: object = {}) => Object.assign(new Error(message), { oclif: { exit: 2 } }, more)

describe('an error of a command', () => {
  const error = new CelerityError('E_BROKER_UNREACHABLE', { message: 'Cannot reach redis://h', hint: 'Is it running?' })

  it('is one line what is wrong and one line what to do', () => {
    const report = describeError(error, context)

    expect('silent' in report).equal(false)
    expect(report.exit).equal(69)
    expect('silent' in report ? '' : errorText(report, plain, false)).equal('Error: Cannot reach redis://h\nHint:  Is it running?\n')
  })

  it('is a document for scripts, with the stack at level debug only', () => {
    const report = describeError(error, context)
    if ('silent' in report) throw report

    expect(errorDocument(report, false)).deep.equal({
      error: { code: 'E_BROKER_UNREACHABLE', message: 'Cannot reach redis://h', hint: 'Is it running?' },
    })
    expect(errorText(report, plain, true)).match(/\n {4}at .*error-report\.test\.ts/)
  })

  it('passes no escape sequence from the wire', () => {
    const report = describeError(new CelerityError('E_TASK_FAILED', { message: 'failed: \x1b[2J', hint: '\x9b2J' }), context)

    expect('silent' in report ? '' : errorText(report, plain, false)).equal('Error: failed: \\x1b[2J\nHint:  \\x9b2J\n')
  })

  it('of a task names its type, in words and for scripts', () => {
    const failed = fromWireError({ type: 'SmtpError', module: 'app.mail', message: ['no mailbox'], traceback: null })
    const report = describeError(failed, context)
    if ('silent' in report) throw report

    expect(errorText(report, plain, false)).equal('Error: SmtpError: no mailbox\n')
    expect(errorDocument(report, false)).deep.equal({
      error: {
        code: 'E_TASK_FAILED',
        message: 'SmtpError: no mailbox',
        hint: null,
        failure: { type: 'SmtpError', module: 'app.mail', message: 'no mailbox' },
      },
    })
  })

  it('shows no password of a URL, whoever threw it', () => {
    const report = describeError(new Error('connect postgres://app:hunter2@db/app'), context)
    if ('silent' in report) throw report

    expect(errorText(report, plain, true))
      .contain('postgres://app:********@db/app')
      .not.contain('hunter2')
  })

  const usage: [title: string, error: Error, message: string, hint: string][] = [
    ['names the command that was meant', oclif('command purg not found'), 'There is no command purg.', 'Did you mean `tasks purge`?'],
    [
      'and one of several words',
      oclif('command config:chek not found'),
      'There is no command config chek.',
      'Did you mean `tasks config check`?',
    ],
    [
      'names the flag that was meant',
      oclif('Nonexistent flag: --queus', { flags: ['--queus'], parse: { input: { flags: { queues: {}, yes: {} } } } }),
      'There is no flag --queus.',
      'Did you mean `--queues`?',
    ],
    [
      'names a second name of a flag that was meant',
      oclif('Nonexistent flag: --forse', { flags: ['--forse'], parse: { input: { flags: { yes: { aliases: ['force'] } } } } }),
      'There is no flag --forse.',
      'Did you mean `--force`?',
    ],
    [
      'says what a flag takes',
      oclif('Parsing --limit \n\tExpected an integer but received: x\nSee more help with --help'),
      '--limit: expected an integer, got x',
      '`tasks config --help`',
    ],
    [
      'names the sub-command that was meant',
      oclif('Unexpected argument: chek', { args: ['chek'] }),
      'Unexpected "chek".',
      'Did you mean `tasks config check`?',
    ],
    [
      'says what is missing',
      oclif('Missing 1 required arg:\nid', { args: [{ name: 'id' }] }),
      'ID must be given.',
      '`tasks config --help`',
    ],
    [
      'puts what oclif lists into one line',
      oclif('The following error occurred:\n  \x1b[2m--a cannot also be provided when using --b\x1b[22m\nSee more help with --help'),
      '--a cannot also be provided when using --b',
      '`tasks config --help`',
    ],
  ]
  for (const [title, given, message, hint] of usage) {
    it(`of usage ${title}, and ends with 2`, () => {
      const report = describeError(given, context)

      expect(report).deep.include({ code: 'E_USAGE', message, exit: 2 })
      expect('silent' in report ? '' : report.hint).contain(hint)
    })
  }

  it('is silent where a command ended by itself', () => {
    expect(describeError(oclif('EEXIT: 3', { code: 'EEXIT', oclif: { exit: 3 } }), context)).deep.equal({ silent: true, exit: 3 })
  })

  it('is a fault with exit code 70 where nobody foresaw it, whatever was thrown', () => {
    const hostile = {
      toString() {
        throw new Error('no')
      },
    }

    for (const thrown of [new TypeError('x is not a function'), 'text', undefined, hostile]) {
      expect(describeError(thrown, context)).deep.include({ code: 'E_INTERNAL', exit: 70 })
    }
  })
})
