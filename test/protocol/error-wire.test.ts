import { expect } from 'chai'
import { CelerityError, isCelerityError } from '../../src/errors.js'
import { celeryError, fromWireError, RemoteTaskError, toWireError } from '../../src/protocol/error-wire.js'

class SmtpError extends Error {}

class Refused extends Error {
  static readonly celeryModule = 'mail.errors'
  readonly args = [550, 'no such user']
}

describe('errors on the wire', () => {
  const cases: readonly (readonly [string, unknown, string, string, readonly unknown[]])[] = [
    ['an Error is a Python Exception', new Error('boom'), 'Exception', 'builtins', ['boom']],
    ['a name that Python has too stays', new TypeError('boom'), 'TypeError', 'builtins', ['boom']],
    ['a name that Python has not is made up there', new RangeError('boom'), 'RangeError', 'celerity', ['boom']],
    ['a class gives its name', new SmtpError('down'), 'SmtpError', 'celerity', ['down']],
    ['a class names its Python twin, and its arguments', new Refused('x'), 'Refused', 'mail.errors', [550, 'no such user']],
    ['a name set by hand counts', Object.assign(new Error('x'), { name: 'ValueError' }), 'ValueError', 'builtins', ['x']],
    [
      'a name that would end a Python program is a stranger',
      Object.assign(new Error('x'), { name: 'SystemExit' }),
      'SystemExit',
      'celerity',
      ['x'],
    ],
    ['a name that is none falls back', Object.assign(new Error('x'), { name: 'a b; drop' }), 'Exception', 'builtins', ['x']],
    ['no message is no argument', new Error(''), 'Exception', 'builtins', []],
    ['text that is thrown', 'boom', 'Exception', 'builtins', ['boom']],
    ['nothing that is thrown', undefined, 'Exception', 'builtins', [undefined]],
    ['an object that is thrown', { code: 5 }, 'Exception', 'builtins', [{ code: 5 }]],
    [
      'arguments that cannot be sent become text',
      Object.assign(new Error(), { args: [new Set([1])] }),
      'Exception',
      'builtins',
      ['[object Set]'],
    ],
  ]
  for (const [what, error, type, module, message] of cases) {
    it(`are written for Python: ${what}`, () => {
      expect(toWireError(error, null)).to.deep.equal({ type, module, message, traceback: null })
    })
  }

  it('carry their stack, with their causes', () => {
    const { traceback } = toWireError(new Error('outer', { cause: new TypeError('inner') }))

    expect(traceback).to.match(/^Error: outer\n {4}at .+\nCaused by: TypeError: inner\n/s)
    expect(toWireError(new Error('x'), 'given').traceback).to.equal('given')
  })

  it('are written whatever their getters do', () => {
    const throwing = { get: () => { throw new Error('trap') } } // biome-ignore format: one line
    const trap = () => {
      throw new Error('trap')
    }
    const hostile = [
      new Proxy(new Error('x'), { get: trap, has: trap, getPrototypeOf: trap, getOwnPropertyDescriptor: trap, ownKeys: trap }),
      Object.defineProperties(new Error('x'), { stack: throwing, message: throwing, name: throwing, cause: throwing, args: throwing }),
      Object.assign(new Error('x'), { name: 5, message: {}, stack: 7, args: 'no list' }),
      Object.assign(Object.create(null), { toString: trap }),
      Object.assign(new Error('x'.repeat(1e6)), { stack: 'y'.repeat(1e6) }),
    ]
    const loop = new Error('loop')
    loop.cause = loop

    for (const error of [...hostile, loop]) {
      const wire = toWireError(error)
      expect(wire.type).to.be.a('string')
      expect(JSON.stringify(wire).length).to.be.below(100_000)
    }
  })

  it('come back as an Error that names the Python class and holds its traceback', () => {
    const error = fromWireError({ type: 'ValueError', module: 'builtins', message: ['boom'], traceback: 'Traceback …' })

    expect(error).to.be.instanceOf(RemoteTaskError).and.instanceOf(CelerityError)
    expect(isCelerityError(error)).to.equal(true)
    expect(error).to.deep.include({
      name: 'ValueError',
      message: 'boom',
      pythonType: 'ValueError',
      pythonModule: 'builtins',
      args: ['boom'],
    })
    expect(error).to.include({ traceback: 'Traceback …', code: 'E_TASK_FAILED' })
    expect(fromWireError(celeryError('TaskRevokedError', ['revoked'])).code).to.equal('E_TASK_REVOKED')
    expect(fromWireError({ type: 'E', module: 'm', message: [42, { why: 'x' }], traceback: null }).message).to.equal("(42, {'why': 'x'})")
  })

  it('keep what they were when a remote failure is thrown on', () => {
    const wire = { type: 'CustomError', module: 'proj.tasks', message: [42, { why: 'x' }], traceback: 'Traceback …' }

    expect(toWireError(fromWireError(wire), wire.traceback)).to.deep.equal(wire)
  })

  it('are never looked up or built by a name from the wire', () => {
    const error = fromWireError({ type: 'constructor', module: 'child_process', message: ['rm'], traceback: null })

    expect(error).to.include({ name: 'constructor', pythonModule: 'child_process' })
    expect(Object.getPrototypeOf(error)).to.equal(RemoteTaskError.prototype)
  })
})
