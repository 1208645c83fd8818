/**
 * The one error class of the house, and the table of its codes. A `CelerityError` says what is wrong in one line, what to do in
 * another (`hint`), and with which exit code a command ends. The codes are stable: `docs/errors.md` has a paragraph on each.
 */

/** Exit codes of every command (`docs/errors.md`). */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  unavailable: 69,
  internal: 70,
  ioError: 74,
  timedOut: 124,
  interrupted: 130,
  terminated: 143,
} as const

/** Every code, with the exit code a command ends with when it is the reason. */
export const CODES = {
  E_ACCESS_DENIED: EXIT.usage,
  E_ARGUMENTS: EXIT.usage,
  E_APP_LOAD: EXIT.usage,
  E_APP_MISSING: EXIT.usage,
  E_BROKER_UNREACHABLE: EXIT.unavailable,
  E_BROKER_REFUSED: EXIT.failed,
  E_BROKER_URL: EXIT.usage,
  E_BROKER_UNSAFE: EXIT.usage,
  E_DECODE: EXIT.failed,
  E_ENCODE: EXIT.failed,
  E_FILE_REPLACED: EXIT.ioError,
  E_INTERNAL: EXIT.internal,
  E_MONITOR_REFUSED: EXIT.failed,
  E_MONITOR_UNREACHABLE: EXIT.unavailable,
  E_MONITOR_URL: EXIT.usage,
  E_NO_REPLY: EXIT.unavailable,
  E_NOT_FOUND: EXIT.notFound,
  E_PUBLISH_TIMEOUT: EXIT.unavailable,
  E_RESULT_TIMEOUT: EXIT.timedOut,
  E_RESULT_UNREADABLE: EXIT.failed,
  E_RESULTS_DISABLED: EXIT.failed,
  E_RESULTS_UNREACHABLE: EXIT.unavailable,
  E_RESULTS_URL: EXIT.usage,
  E_SCHEDULE: EXIT.usage,
  E_SETTINGS: EXIT.usage,
  E_TASK_DEFINITION: EXIT.usage,
  E_TASK_FAILED: EXIT.failed,
  E_TASK_REVOKED: EXIT.failed,
  E_USAGE: EXIT.usage,
} as const

export type ErrorCode = keyof typeof CODES

const MARK = Symbol.for('celerity.error')

export interface ErrorDetails {
  /** One line: what is wrong. */
  readonly message: string
  /** One line: what to do about it. */
  readonly hint?: string | undefined
  readonly cause?: unknown
}

export class CelerityError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.hint = details.hint
    // A mark, not `instanceof`: a task module loaded through another loader may hold a second copy of this class.
    Object.defineProperty(this, MARK, { value: true })
  }

  /** The exit code of a command that fails with this error. */
  get exit(): number {
    return CODES[this.code]
  }
}

export function isCelerityError(error: unknown): error is CelerityError {
  try {
    return typeof error === 'object' && error !== null && MARK in error
  } catch {
    return false // a proxy that lets nobody look
  }
}

/** The text of whatever was thrown, without running code of its own (hostile getters and `toString` included). */
export function reason(error: unknown): string {
  try {
    if (error instanceof Error) return String(error.message || error.name)
    return typeof error === 'string' ? error : String(error)
  } catch {
    return 'an error that cannot be shown' // `String()` ran the value's own toString, which threw
  }
}
