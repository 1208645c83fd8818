/** Values of flags that set no setting. Each throws E_USAGE with what would have been right. */
import { parseSeconds } from '../duration.js'
import { CelerityError, reason } from '../errors.js'
import { parseIso } from '../protocol/dates.js'
import { parseJson } from '../protocol/json.js'
import { isTaskId } from '../protocol/task-id.js'

/** Seconds. */
export function spanOf(flag: string, text: string): number {
  const seconds = parseSeconds(text)
  if (seconds !== null) return seconds
  throw wrong(`--${flag} ${text} is no span of time`, "Give seconds, or such as '90s', '5m', '2h'.")
}

export function momentOf(flag: string, text: string): Date {
  const moment = readMoment(text)
  if (moment !== null) return moment
  throw wrong(`--${flag} ${text} is no moment`, 'Give ISO 8601, such as 2030-01-02T03:04:05Z.')
}

/** Seconds from now, or a moment. */
export function spanOrMomentOf(flag: string, text: string): number | Date {
  const value = parseSeconds(text) ?? readMoment(text)
  if (value !== null) return value
  throw wrong(`--${flag} ${text} is neither a span of time nor a moment`, "Give such as '90s' or '5m', or ISO 8601: 2030-01-02T03:04:05Z.")
}

export function listOf(flag: string, text: string): readonly unknown[] {
  return jsonOf(flag, text, (value): value is readonly unknown[] => Array.isArray(value), "a list such as '[2, 3]'")
}

export function objectOf(flag: string, text: string): Readonly<Record<string, unknown>> {
  const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  return jsonOf(flag, text, isObject, `an object such as '{"x": 2}'`)
}

export function taskIdOf(flag: string, text: string): string {
  if (isTaskId(text)) return text
  throw wrong(`--${flag} ${JSON.stringify(text)} is no task id`, 'Give 1 to 255 visible characters without blanks.')
}

/** An empty name would be a queue that nobody finds again. */
export function queueOf(flag: string, text: string): string {
  if (/^[^\p{C}\s](?:\P{C}*[^\p{C}\s])?$/u.test(text)) return text
  throw wrong(`--${flag} ${JSON.stringify(text)} is no name of a queue`, 'Give visible characters, no blank at either end.')
}

function jsonOf<T>(flag: string, text: string, fits: (value: unknown) => value is T, expected: string): T {
  const hint = `Give ${expected}, in single quotes.`
  let value: unknown
  try {
    value = parseJson(text)
  } catch (cause) {
    throw wrong(`--${flag} is not JSON: ${reason(cause)}`, hint, cause)
  }
  if (fits(value)) return value
  throw wrong(`--${flag} is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`, hint)
}

function readMoment(text: string): Date | null {
  const at = parseIso(text)
  return at === null ? null : new Date(at)
}

function wrong(message: string, hint: string, cause?: unknown): CelerityError {
  return new CelerityError('E_USAGE', { message, hint, cause })
}
