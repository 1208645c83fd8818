/** Any error as people and scripts see it: code, one line what is wrong, one line what to do, exit code. */
import { stripVTControlCharacters } from 'node:util'
import { nearest } from '../config/spelling.js'
import { type CelerityError, EXIT, isCelerityError, reason } from '../errors.js'
import { maskText } from '../mask.js'
import type { RemoteTaskError } from '../protocol/error-wire.js'
import type { Paint } from '../terminal/colour.js'
import { safe, safeLines } from '../terminal/safe.js'

export interface ErrorReport {
  readonly code: string
  readonly message: string
  readonly hint: string | null
  readonly exit: number
  /** Shown at log level debug. */
  readonly stack: string | null
  /** What a task failed with, when that is the error. */
  readonly failure?: { readonly type: string; readonly module: string; readonly message: string }
}

export interface ErrorContext {
  /** The command that failed, with spaces: `config check`. */
  readonly command?: string | undefined
  /** All commands, with spaces, for a suggestion. */
  readonly commands: readonly string[]
}

/** What oclif's errors carry; told by their shape, since they may come from another copy of oclif. */
interface OclifError extends Error {
  readonly oclif: { readonly exit?: number | false }
  readonly code?: string
  /** Of NonExistentFlagsError. */
  readonly flags?: readonly string[]
  /** Of UnexpectedArgsError: texts; of RequiredArgsError: definitions. */
  readonly args?: readonly (string | { readonly name: string })[]
  readonly parse?: { readonly input?: { readonly flags?: Readonly<Record<string, { readonly aliases?: readonly string[] }>> } }
}

/** Null: there is nothing to report, the command ended by itself with `exit`. */
export function describeError(error: unknown, context: ErrorContext): ErrorReport | { readonly silent: true; readonly exit: number } {
  if (isCelerityError(error)) {
    const { code, hint = null, exit } = error
    const stack = stackOf(error)
    if (!isOfTask(error)) return { code, message: maskText(error.message), hint, exit, stack }
    // Of a task's failure its type says more than its message.
    const { pythonType: type, pythonModule: module, message } = error
    return { code, message: maskText(`${type}: ${message}`), hint, exit, stack, failure: { type, module, message } }
  }
  if (isOclif(error)) {
    if (error.code === 'EEXIT') return { silent: true, exit: error.oclif.exit === false ? EXIT.done : (error.oclif.exit ?? EXIT.failed) }
    return { ...usage(error, context), code: 'E_USAGE', exit: EXIT.usage, stack: stackOf(error) }
  }
  return {
    code: 'E_INTERNAL',
    message: maskText(`Unexpected ${error instanceof Error ? error.name : 'error'}: ${reason(error)}`),
    hint: 'This is a fault, in the application that was loaded or in Celerity; --log-level debug shows where.',
    exit: EXIT.internal,
    stack: stackOf(error),
  }
}

/** The lines for people. */
export function errorText(report: ErrorReport, paint: Paint, withStack: boolean): string {
  const lines = [`${paint('red', 'Error:')} ${safeLines(report.message)}`]
  if (report.hint !== null) lines.push(`${paint('cyan', 'Hint:')}  ${safe(report.hint)}`)
  if (withStack && report.stack !== null) lines.push(paint('dim', safeLines(report.stack)))
  return `${lines.join('\n')}\n`
}

/** The document for scripts. */
export function errorDocument({ code, message, hint, stack, failure }: ErrorReport, withStack: boolean): unknown {
  return { error: { code, message, hint, ...(failure !== undefined && { failure }), ...(withStack && { stack }) } }
}

/** By its shape: the application may have brought a copy of its class of its own. */
function isOfTask(error: CelerityError): error is RemoteTaskError {
  return 'pythonType' in error && 'pythonModule' in error
}

function isOclif(error: unknown): error is OclifError {
  return error instanceof Error && 'oclif' in error && typeof error.oclif === 'object'
}

function usage(error: OclifError, { command, commands }: ErrorContext): { message: string; hint: string } {
  const help = `\`tasks${command === undefined ? '' : ` ${command}`} --help\` shows what there is.`
  const notFound = /^command (.+) not found$/.exec(error.message)?.[1]?.replaceAll(':', ' ')
  if (notFound !== undefined) return suggest(`There is no command ${notFound}.`, nearest(notFound, commands), 'tasks ', help)

  const wrongFlag = error.flags?.[0]
  if (wrongFlag !== undefined) {
    const known = Object.entries(error.parse?.input?.flags ?? {}).flatMap(([name, { aliases = [] }]) =>
      [name, ...aliases].map((one) => `--${one}`),
    )
    return suggest(`There is no flag ${error.flags!.join(', ')}.`, wrongFlag.startsWith('--') ? nearest(wrongFlag, known) : null, '', help)
  }
  const texts = error.args?.filter((arg): arg is string => typeof arg === 'string') ?? []
  if (texts.length > 0) {
    const below = commands.filter((id) => command !== undefined && id.startsWith(`${command} `))
    return suggest(
      `Unexpected ${texts.map((one) => JSON.stringify(one)).join(', ')}.`,
      nearest(`${command} ${texts[0]}`, below),
      'tasks ',
      help,
    )
  }
  const missing = error.args?.flatMap((arg) => (typeof arg === 'object' ? [arg.name.toUpperCase()] : [])) ?? []
  return { message: missing.length > 0 ? `${missing.join(' and ')} must be given.` : oneLine(error.message), hint: help }
}

function suggest(message: string, meant: string | null, before: string, help: string): { message: string; hint: string } {
  return { message, hint: meant === null ? help : `Did you mean \`${before}${meant}\`? ${help}` }
}

/** oclif words some errors as a heading and a list. */
function oneLine(message: string): string {
  const text = stripVTControlCharacters(message).replace(/\nSee more help with --help$/, '')
  return text
    .replace(/^The following errors? occurred:\s*/, '')
    .replace(/^Parsing (--\S+)\s+Expected/, '$1: expected')
    .replace(/ but received: /, ', got ')
    .replace(/\s+/g, ' ')
    .trim()
}

function stackOf(error: unknown): string | null {
  try {
    if (!(error instanceof Error) || typeof error.stack !== 'string') return null
    const cause = error.cause === undefined ? null : stackOf(error.cause)
    const stack = maskText(error.stack)
    return cause === null ? stack : `${stack}\nCaused by: ${cause}`
  } catch {
    return null // a getter of the error's own threw
  }
}
