/** The flags that every command takes, and the kinds of flag that several do. */
import type { Interfaces } from '@oclif/core'
import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import { ROWS, type SettingName } from '../config/schema.js'
import { spanText } from '../terminal/time.js'

interface TextOptions {
  readonly char?: Interfaces.AlphabetLowercase | Interfaces.AlphabetUppercase
  readonly aliases?: string[]
  readonly helpValue?: string
  readonly helpGroup?: string
}

const GROUP = { helpGroup: 'GLOBAL' }

/**
 * A flag that sets a setting: what it may be is checked where all settings are (`config/schema.ts`), so that a value is refused in the same
 * words wherever it comes from. Help names the setting, and with it the variable and the key that do the same.
 */
export function settingFlag(name: SettingName, summary: string, options: TextOptions = {}) {
  const { default: value, unit } = ROWS.get(name)!
  const shown = unit === 'seconds' && typeof value === 'number' ? spanText(value) : value
  return Flags.string({
    ...options,
    summary: `${summary} (${name})`,
    ...(shown !== null && { defaultHelp: () => Promise.resolve(String(shown)) }),
  })
}

/** An argument. Never from stdin, as oclif would have it: that belongs to whoever runs us in a loop, or pipes an answer. */
export function word(description: string, options?: string[]) {
  return Args.string({ description, required: true, ignoreStdin: true, ...(options !== undefined && { options }) })
}

/** Any number of arguments, none as well: with `strict = false`. */
export function words(description: string) {
  return Args.string({ description, ignoreStdin: true })
}

/** `-Q a,b`: names between commas. */
export function queueList(char: 'Q' | 'X', summary: string) {
  return Flags.string({ char, helpValue: 'A,B', delimiter: ',', multiple: true, summary })
}

/** Celery's `--force` and `-f` beside ours. */
export const YES = Flags.boolean({ char: 'y', charAliases: ['f'], aliases: ['force'], summary: 'do not ask' })

export const COMMON_FLAGS = {
  app: settingFlag('app', 'module whose default or `app` export is the application', { ...GROUP, char: 'A', helpValue: 'FILE' }),
  broker: settingFlag('brokerUrl', 'where messages wait', { ...GROUP, char: 'b', helpValue: 'URL' }),
  'result-backend': settingFlag('resultBackend', 'where results are kept', { ...GROUP, helpValue: 'URL' }),
  config: Flags.string({ ...GROUP, helpValue: 'FILE', summary: 'settings file, instead of the one that is found (TASKS_CONFIG)' }),
  'log-level': settingFlag('logLevel', 'debug, info, warning, error or critical', {
    ...GROUP,
    char: 'l',
    aliases: ['loglevel'], // Celery's spelling
    helpValue: 'LEVEL',
  }),
  'no-color': Flags.boolean({ ...GROUP, charAliases: ['C'], summary: 'plain text (NO_COLOR)' }),
  quiet: Flags.boolean({ ...GROUP, char: 'q', summary: 'data only: no notes, no warnings' }),
}

/**
 * Celery takes global flags before the command (`celery -A proj worker`): moves them behind it. Before `--`, since what follows
 * that belongs to the command.
 */
export function hoistFlags(argv: readonly string[]): string[] {
  let at = 0
  while (at < argv.length) {
    const width = globalFlagWidth(argv[at]!)
    if (width === 0) break
    at += width
  }
  const rest = argv.slice(at)
  if (at === 0 || rest.length === 0 || rest[0]!.startsWith('-')) return [...argv]
  const end = rest.indexOf('--')
  return end < 0 ? [...rest, ...argv.slice(0, at)] : [...rest.slice(0, end), ...argv.slice(0, at), ...rest.slice(end)]
}

/** How many words a global flag takes: `-A x` two, `--app=x` and `-Ax` one, no global flag none. */
function globalFlagWidth(word: string): 0 | 1 | 2 {
  if (word === '--json') return 1
  for (const [name, flag] of Object.entries(COMMON_FLAGS)) {
    const takesValue = flag.type === 'option'
    const long = [name, ...(flag.aliases ?? [])].map((one) => `--${one}`)
    const short = [flag.char, ...(flag.charAliases ?? [])].filter((char) => char !== undefined).map((char) => `-${char}`)
    if ([...long, ...short].includes(word)) return takesValue ? 2 : 1
    const joined = [...long.map((one) => `${one}=`), ...short]
    if (takesValue && joined.some((start) => word.startsWith(start) && !(word.startsWith('--') && start.length === 2))) return 1
  }
  return 0
}
