/** The flags that every command takes. Those that set a setting are checked where all settings are (`config/schema.ts`). */
import * as Flags from '@oclif/core/flags'

const GROUP = { helpGroup: 'GLOBAL' }

export const COMMON_FLAGS = {
  app: Flags.string({ ...GROUP, char: 'A', helpValue: 'FILE', summary: 'module whose default or `app` export is the application' }),
  broker: Flags.string({ ...GROUP, char: 'b', helpValue: 'URL', summary: 'where messages wait' }),
  'result-backend': Flags.string({ ...GROUP, helpValue: 'URL', summary: 'where results are kept' }),
  config: Flags.string({ ...GROUP, helpValue: 'FILE', summary: 'settings file, instead of the one that is found' }),
  'log-level': Flags.string({
    ...GROUP,
    char: 'l',
    aliases: ['loglevel'], // Celery's spelling
    helpValue: 'LEVEL',
    summary: 'debug, info, warning, error or critical',
  }),
  'no-color': Flags.boolean({ ...GROUP, charAliases: ['C'], summary: 'plain text' }),
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
