/** What a shell needs to know to complete `tasks`: taken from oclif's commands, so that flags and completion cannot differ. */
import type { Interfaces } from '@oclif/core'

export interface CompletionFlag {
  /** Without dashes. */
  readonly name: string
  readonly char: string | null
  readonly summary: string
  /** `none`: a switch; `file`: a path; `words`: one of `words`; `text`: anything. */
  readonly takes: 'none' | 'file' | 'words' | 'text'
  readonly words: readonly string[]
}

export interface CompletionCommand {
  /** With spaces: `config check`; empty: the root. */
  readonly path: string
  /** The next words there can be: sub-commands, and the fixed values of arguments. */
  readonly words: readonly { readonly word: string; readonly summary: string }[]
  readonly flags: readonly CompletionFlag[]
}

type Loadable = Pick<Interfaces.Config['commands'][number], 'id' | 'summary' | 'description' | 'hidden' | 'flags' | 'args'>

/** The root first, then every command and every topic without a command of its own, by path. */
export function completionModel(commands: readonly Loadable[]): readonly CompletionCommand[] {
  const shown = commands.filter(({ hidden }) => hidden !== true)
  const byPath = new Map(shown.map((command) => [pathOf(command), command]))
  const paths = new Set(['', ...[...byPath.keys()].flatMap(prefixes)])
  return [...paths].sort().map((path) => {
    const command = byPath.get(path)
    const flags = command === undefined ? everywhere(shown) : flagsOf(command)
    return { path, words: [...below(path, paths, byPath), ...values(command)], flags: [...flags, HELP] }
  })
}

/** `--app`, `-A`. */
export function spellings({ name, char }: CompletionFlag): readonly string[] {
  return char === null ? [`--${name}`] : [`--${name}`, `-${char}`]
}

/** Every flag after which a word is its value, and no command. */
export function takingValues(commands: readonly CompletionCommand[]): readonly string[] {
  const taking = commands.flatMap(({ flags }) => flags.filter(({ takes }) => takes !== 'none'))
  return [...new Set(taking.flatMap(spellings))].sort()
}

const pathOf = ({ id }: Pick<Loadable, 'id'>) => id.replaceAll(':', ' ')
const prefixes = (path: string) => path.split(' ').map((_, index, words) => words.slice(0, index + 1).join(' '))

function below(path: string, paths: ReadonlySet<string>, commands: ReadonlyMap<string, Loadable>) {
  const start = path === '' ? '' : `${path} `
  return [...paths]
    .filter((other) => other !== '' && other.startsWith(start) && other !== path && !other.slice(start.length).includes(' '))
    .sort()
    .map((other) => ({ word: other.slice(start.length), summary: summaryOf(commands.get(other)) }))
}

function values(command: Loadable | undefined) {
  const first = Object.values(command?.args ?? {})[0]
  return (first?.options ?? []).map((word) => ({ word, summary: '' }))
}

const HELP: CompletionFlag = { name: 'help', char: null, summary: 'how to use it', takes: 'none', words: [] }

/** What may also stand before the command: the flags that all commands have. */
function everywhere(commands: readonly Loadable[]): readonly CompletionFlag[] {
  const [first, ...others] = commands
  return first === undefined ? [] : flagsOf(first).filter(({ name }) => others.every(({ flags }) => Object.hasOwn(flags, name)))
}

function flagsOf(command: Loadable): readonly CompletionFlag[] {
  return Object.entries(command.flags)
    .filter(([, flag]) => flag.hidden !== true)
    .map(([name, flag]) => {
      const words = flag.type === 'option' ? (flag.options ?? []) : []
      const isFile = flag.type === 'option' && flag.helpValue === 'FILE'
      const takes = flag.type !== 'option' ? 'none' : words.length > 0 ? 'words' : isFile ? 'file' : 'text'
      return { name, char: flag.char ?? null, summary: oneLine(flag.summary ?? flag.description), takes, words }
    })
}

const summaryOf = (command: Loadable | undefined) => oneLine(command?.summary ?? command?.description)
const oneLine = (text = '') => text.split('\n')[0]!.replaceAll('`', '')
