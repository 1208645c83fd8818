/**
 * Errors on the wire. A failure from Node becomes an exception that Python can rebuild by module and name; one from Python becomes a
 * `RemoteTaskError`. A name from the wire is only ever text: nothing is looked up or constructed by it.
 */
import { CelerityError, reason } from '../errors.js'
import { isObject } from './fields.js'
import { encodeJson } from './json.js'
import { repr } from './python-repr.js'

export interface WireError {
  /** Class name, such as `ValueError`. */
  readonly type: string
  /** The Python module that holds the class. */
  readonly module: string
  /** The exception's arguments. */
  readonly message: readonly unknown[]
  readonly traceback: string | null
}

/** The exceptions that Celery itself stores, with their modules. */
export const CELERY_ERRORS = {
  ChordError: 'celery.exceptions',
  EncodeError: 'kombu.exceptions',
  ContentDisallowed: 'kombu.exceptions',
  DecodeError: 'kombu.exceptions',
  Ignore: 'celery.exceptions',
  InvalidTaskError: 'celery.exceptions',
  MaxRetriesExceededError: 'celery.exceptions',
  NotRegistered: 'celery.exceptions',
  Reject: 'celery.exceptions',
  Retry: 'celery.exceptions',
  SoftTimeLimitExceeded: 'billiard.exceptions',
  TaskRevokedError: 'celery.exceptions',
  TimeLimitExceeded: 'billiard.exceptions',
  WorkerLostError: 'billiard.exceptions',
} as const

export type CeleryErrorName = keyof typeof CELERY_ERRORS

/** An error of Celery's own, as its worker would store it: `celeryError('NotRegistered', ['no.such.task'])`. */
export function celeryError(type: CeleryErrorName, message: readonly unknown[], traceback: string | null = null): WireError {
  return { type, module: CELERY_ERRORS[type], message, traceback }
}

// Exceptions of Python that an error class may share its name with and that take any arguments. Left out are those that end a Python
// program when raised (SystemExit, KeyboardInterrupt …).
const PYTHON_BUILTINS: ReadonlySet<string> = new Set([
  ...['ArithmeticError', 'AssertionError', 'AttributeError', 'BlockingIOError', 'BrokenPipeError', 'BufferError', 'ChildProcessError'],
  ...['ConnectionAbortedError', 'ConnectionError', 'ConnectionRefusedError', 'ConnectionResetError', 'EOFError', 'Exception'],
  ...['FileExistsError', 'FileNotFoundError', 'FloatingPointError', 'IOError', 'ImportError', 'IndexError', 'InterruptedError'],
  ...['IsADirectoryError', 'KeyError', 'LookupError', 'MemoryError', 'ModuleNotFoundError', 'NameError', 'NotADirectoryError'],
  ...['NotImplementedError', 'OSError', 'OverflowError', 'PermissionError', 'ProcessLookupError', 'RecursionError', 'RuntimeError'],
  ...['SyntaxError', 'TimeoutError', 'TypeError', 'UnicodeError', 'ValueError', 'ZeroDivisionError'],
])

/** The module named for classes that Python has not: it makes up an exception of that name. */
const FOREIGN_MODULE = 'celerity'

/** Longest traceback and longest text that is stored, in characters. */
const MAX_TEXT = 32_768
const MAX_CAUSES = 8

const REMOTE = Symbol.for('celerity.remote-error')

/** A task's failure as it came from the store, most often from a Python worker. */
export class RemoteTaskError extends CelerityError {
  readonly pythonType: string
  readonly pythonModule: string
  readonly args: readonly unknown[]
  /** Python's or Node's text, as stored. */
  readonly traceback: string | null

  constructor(error: WireError) {
    const code = error.type === 'TaskRevokedError' ? 'E_TASK_REVOKED' : 'E_TASK_FAILED'
    super(code, { message: messageOf(error.message) })
    this.name = error.type
    this.pythonType = error.type
    this.pythonModule = error.module
    this.args = error.message
    this.traceback = error.traceback
    Object.defineProperty(this, REMOTE, { value: true })
  }
}

export function fromWireError(error: WireError): RemoteTaskError {
  return new RemoteTaskError(error)
}

/**
 * Whatever was thrown, as Python will see it. JavaScript's `Error` is Python's `Exception`; names that Python has too keep `builtins`;
 * a class names its Python twin's module with `static celeryModule`. Safe against errors with hostile getters. Never throws.
 *
 * @param traceback stored with it; absent: the error's stack, with its causes
 */
export function toWireError(error: unknown, traceback?: string | null): WireError {
  const trace = traceback === undefined ? traceOf(error) : traceback
  try {
    if (property(error, REMOTE) === true) return { ...again(error as RemoteTaskError), traceback: trace }
    if (typeof error === 'object' && error !== null) return { ...describe(error), traceback: trace }
  } catch {
    // a proxy, or a class made to fail: what can be said about it is said below
  }
  return { type: 'Exception', module: 'builtins', message: [sendable(error)], traceback: trace }
}

/** A failure from elsewhere that was thrown on keeps what it was. */
function again(error: RemoteTaskError): Omit<WireError, 'traceback'> {
  return { type: error.pythonType, module: error.pythonModule, message: error.args.map(sendable) }
}

function describe(error: object): Omit<WireError, 'traceback'> {
  const name = typeName(error)
  const type = name === 'Error' ? 'Exception' : name
  const own = property(error.constructor, 'celeryModule')
  const module = typeof own === 'string' && own !== '' ? own : PYTHON_BUILTINS.has(type) ? 'builtins' : FOREIGN_MODULE
  return { type, module, message: argumentsOf(error) }
}

/** An error from a result's JSON; `exc_message` may be a list or, from old versions, a string. Null when it is none. */
export function readWireError(value: unknown, traceback: string | null): WireError | null {
  if (!isObject(value) || typeof value['exc_type'] !== 'string') return null
  const message = value['exc_message']
  const module = value['exc_module']
  return {
    type: value['exc_type'],
    module: typeof module === 'string' ? module : 'builtins',
    message: Array.isArray(message) ? message : message === undefined || message === null ? [] : [message],
    traceback,
  }
}

/** As Python's `str()` of an exception: nothing, the one argument, or all of them as a tuple. */
function messageOf(args: readonly unknown[]): string {
  if (args.length === 0) return ''
  if (args.length > 1) return `(${args.map(repr).join(', ')})`
  return typeof args[0] === 'string' ? args[0] : repr(args[0])
}

/** What `name` says where the error or its own class sets it, else the class's name; only what Python accepts as a class name. */
function typeName(error: object): string {
  const prototype: unknown = Object.getPrototypeOf(error)
  const isNamed = Object.hasOwn(error, 'name') || (typeof prototype === 'object' && prototype !== null && Object.hasOwn(prototype, 'name'))
  const name = isNamed ? property(error, 'name') : property(error.constructor, 'name')
  return typeof name === 'string' && /^[A-Za-z_]\w{0,199}$/.test(name) && name !== 'Object' ? name : 'Exception'
}

/** An error's `args`, for classes that mirror a Python exception; else its message. Anything but an error is its own argument. */
function argumentsOf(error: object): readonly unknown[] {
  const args = property(error, 'args')
  if (Array.isArray(args)) return args.slice(0, 100).map(sendable)
  const message = property(error, 'message')
  if (typeof message === 'string') return message === '' ? [] : [sendable(message)]
  return [sendable(error)]
}

/** The value if it can be sent, else text for it, as Celery does. */
function sendable(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, MAX_TEXT)
  try {
    return encodeJson(value, { markers: true }).length <= MAX_TEXT ? value : repr(value)
  } catch {
    const text: unknown = reason(value) // a hostile error's message may be no string
    return typeof text === 'string' ? text.slice(0, MAX_TEXT) : 'an error that cannot be shown'
  }
}

function traceOf(error: unknown): string | null {
  const parts: string[] = []
  let current: unknown = error
  for (let depth = 0; depth <= MAX_CAUSES && typeof current === 'object' && current !== null; depth++) {
    const stack = property(current, 'stack')
    if (typeof stack === 'string') parts.push(stack)
    current = property(current, 'cause')
  }
  return parts.length === 0 ? null : parts.join('\nCaused by: ').slice(0, MAX_TEXT)
}

function property(value: unknown, key: string | symbol): unknown {
  try {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return undefined
    return (value as Record<string | symbol, unknown>)[key]
  } catch {
    return undefined // a getter threw; it is not worth losing the failure over
  }
}
