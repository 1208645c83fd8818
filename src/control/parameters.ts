/** What may stand in the arguments of a remote-control command: from the text that was typed to the value on the wire. */
import { constants } from 'node:os'
import { parseSeconds } from '../duration.js'
import { CelerityError } from '../errors.js'
import { isTaskId, MAX_ID_LENGTH } from '../protocol/task-id.js'

/** One argument of a command. */
export interface Parameter {
  /** Name of the word or of the flag, in kebab-case. */
  readonly name: string
  /** Its key in the request. */
  readonly key: string
  /** A word, all words that are left, a flag with a value, or a flag without one. */
  readonly as: 'word' | 'words' | 'flag' | 'switch'
  readonly summary: string
  readonly isRequired?: boolean
  /** For a flag: what stands for its value in the help. */
  readonly helpValue?: string
  /** The flag without which it means nothing. */
  readonly needs?: string
  /** Sent when it is not given; absent: nothing is sent. */
  readonly otherwise?: unknown
  /** @throws E_USAGE for what cannot be meant */
  readonly read?: (text: string, name: string) => unknown
  /** For `words`: of all of them. */
  readonly readAll?: (texts: readonly string[]) => unknown
}

export function whole(text: string, name: string): number {
  if (/^\d{1,6}$/.test(text) && Number(text) > 0) return Number(text)
  throw wrong(`${name} ${JSON.stringify(text)} is no whole number from 1`)
}

export function wholeOrNone(text: string, name: string): number {
  return text === '0' ? 0 : whole(text, name)
}

/** Seconds; null for `none`: no limit. */
export function limit(text: string, name: string): number | null {
  const seconds = parseSeconds(text)
  if (seconds !== null && seconds > 0) return seconds
  if (text === 'none' || seconds === 0) return null
  throw wrong(`${name} ${JSON.stringify(text)} is no span of time`, "Give seconds, such as '90s' or '5m', or none.")
}

/** Celery takes the text `0` for a rate of its own; the number switches the limit off. */
export function rate(text: string, name: string): string | 0 {
  if (text === 'none' || /^0+(\.0+)?(\/[smh])?$/.test(text)) return 0
  if (/^\d{1,12}(?:\.\d{1,9})?(?:\/[smh])?$/.test(text)) return text
  throw wrong(`${name} ${JSON.stringify(text)} is no rate`, "Give such as '10/s', '60/m' or '100/h', or none.")
}

/** With or without SIG, or its number; on the wire by its name. */
export function signal(text: string, name: string): string {
  const known = Object.entries(constants.signals)
  const upper = text.toUpperCase()
  const found = known.find(([signal, number]) => signal === upper || signal === `SIG${upper}` || String(number) === text)
  if (found !== undefined) return found[0]
  throw wrong(`${name} ${JSON.stringify(text)} is no signal`, 'Give such as SIGTERM, KILL or 15.')
}

export function visible(text: string, name: string): string {
  if (/^[^\p{C}\s](?:\P{C}*[^\p{C}\s])?$/u.test(text)) return text
  throw wrong(`${name} ${JSON.stringify(text)} is no name`, 'Give visible characters, no blank at either end.')
}

export function taskIds(texts: readonly string[]): readonly string[] {
  for (const text of texts) {
    if (!isTaskId(text)) throw wrong(`${JSON.stringify(text)} is no task id`, `Give 1 to ${MAX_ID_LENGTH} visible characters, no blanks.`)
  }
  return [...new Set(texts)]
}

/** `NAME=VALUE…`, a name as often as it has values. */
export function stamps(texts: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const found = new Map<string, string[]>()
  for (const text of texts) {
    const at = text.indexOf('=')
    if (at < 1) throw wrong(`${JSON.stringify(text)} is no stamp`, 'Give NAME=VALUE, as the header was stamped.')
    const [name, value] = [text.slice(0, at), text.slice(at + 1)]
    const values = found.get(name)
    if (values === undefined) found.set(name, [value])
    else values.push(value)
  }
  return Object.fromEntries(found)
}

/** What was typed, by the name of the parameter: text, true for a switch, all that is left for words. */
export type Given = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** The arguments of the request. @throws E_USAGE for a value that cannot be meant */
export function readParameters(parameters: readonly Parameter[], given: Given): Readonly<Record<string, unknown>> {
  const entries = parameters.flatMap((parameter) => {
    const value = argumentOf(parameter, given[parameter.name])
    return value === undefined ? [] : [[parameter.key, value] as const]
  })
  return Object.fromEntries(entries)
}

function argumentOf(parameter: Parameter, given: Given[string]): unknown {
  const { name, as, isRequired, otherwise, read, readAll } = parameter
  const shown = as === 'flag' ? `--${name}` : name.toUpperCase()
  const isAbsent = given === undefined || given === false || (Array.isArray(given) && given.length === 0)
  if (isAbsent && isRequired) throw wrong(`${shown} must be given.`)
  if (isAbsent) return otherwise
  if (typeof given === 'string') return read === undefined ? given : read(given, shown)
  if (typeof given === 'boolean') return given
  return readAll === undefined ? given : readAll(given)
}

function wrong(message: string, hint?: string): CelerityError {
  return new CelerityError('E_USAGE', { message, hint })
}
