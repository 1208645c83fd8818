/** What is wrong with settings, and the error that reports all of it at once. */
import { CelerityError } from '../errors.js'
import { celeryOnly } from './celery-only.js'
import type { Mismatch } from './kinds.js'
import { type Origin, originText } from './origin.js'
import type { SettingName } from './schema.js'
import { nearest } from './spelling.js'

export interface Problem {
  /** The key as it was written, with the place inside its value: `taskRoutes.mail.priority`. */
  readonly key: string
  /** The file, variable or flag. */
  readonly source: string
  readonly text: string
}

export class SettingsError extends CelerityError {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[], cause?: unknown) {
    const lines = problems.map((problem) => problem.text)
    super('E_SETTINGS', {
      message: lines.length === 1 ? lines[0]! : `${lines.length} settings are wrong:\n${lines.map((line) => `  ${line}`).join('\n')}`,
      hint: '`tasks config` shows every setting and where it came from; .taskrc.example explains each.',
      cause,
    })
    this.problems = problems
  }
}

export function wrongValue(name: SettingName, origin: Origin, { expected, got, at }: Mismatch): Problem {
  const key = name + at
  return { key, source: originText(origin), text: `${key}: expected ${expected}, got ${got} (${originText(origin)})` }
}

export function unknownKey(key: string, source: string, known: Iterable<string>): Problem {
  const reason = celeryOnly(key)
  if (reason !== null) return { key, source, text: `${key}: a setting of Celery that does not exist here: ${reason} (${source})` }
  const meant = nearest(key, known)
  return { key, source, text: `${key}: no such setting${meant === null ? '' : `, did you mean ${meant}?`} (${source})` }
}
