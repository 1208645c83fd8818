/** The sources of settings, each read into a layer: flags, environment, file, code. Nothing is decided here but which of two names wins. */
import { isObject, type Read } from './kinds.js'
import { allKeys, ENV_PREFIX, keysOf, variablesOf } from './names.js'
import { type Origin, originText } from './origin.js'
import { type Problem, unknownKey } from './problem.js'
import { ROWS, type SettingName } from './schema.js'
import { nearest } from './spelling.js'

/** One value found in one source. */
interface Candidate {
  readonly origin: Origin
  readonly read: Read<unknown>
}

export interface Layer {
  readonly candidates: ReadonlyMap<SettingName, Candidate>
  readonly problems: readonly Problem[]
  readonly warnings: readonly string[]
}

export type Environment = Readonly<Record<string, string | undefined>>

/** `flags` by name without dashes; `undefined`: not given. */
export function readFlags(flags: Readonly<Record<string, unknown>>): Layer {
  const candidates = new Map<SettingName, Candidate>()
  for (const [name, row] of ROWS) {
    const given = row.flag === undefined ? undefined : flags[row.flag]
    if (given === undefined) continue
    const read = typeof given === 'string' ? row.kind.readText(given) : row.kind.read(given)
    candidates.set(name, { origin: { layer: 'flag', name: `--${row.flag}` }, read })
  }
  return { candidates, problems: [], warnings: [] }
}

/** An empty variable counts as not set: that is what `FOO=${FOO:-}` of a compose file leaves behind. */
export function readEnvironment(env: Environment): Layer {
  const candidates = new Map<SettingName, Candidate>()
  const warnings: string[] = []
  const known = new Set<string>([CONFIG_VARIABLE])
  for (const [name, row] of ROWS) {
    const found: Candidate[] = []
    for (const variable of variablesOf(name)) {
      known.add(variable)
      const text = env[variable]
      if (text !== undefined && text.trim() !== '') {
        found.push({ origin: { layer: 'environment', name: variable }, read: row.kind.readText(text) })
      }
    }
    choose(name, found, candidates, warnings)
  }
  warnings.push(...misspelt(env, known))
  return { candidates, problems: [], warnings }
}

/** Names a settings file, as `--config` does. */
export const CONFIG_VARIABLE = `${ENV_PREFIX}CONFIG`

/**
 * Foreign variables may start with TASKS_ too (Kubernetes makes TASKS_PORT and others for a service of that name), so an unknown one is
 * no error; one that looks like a slip of the pen is said.
 */
function misspelt(env: Environment, known: ReadonlySet<string>): string[] {
  const ours = [...known].filter((name) => name.startsWith(ENV_PREFIX)).map((name) => name.slice(ENV_PREFIX.length))
  return Object.keys(env).flatMap((variable) => {
    const rest = variable.slice(ENV_PREFIX.length)
    if (!variable.startsWith(ENV_PREFIX) || known.has(variable) || rest.length < 4) return []
    const meant = nearest(rest, ours)
    return meant === null ? [] : [`${variable} in the environment sets nothing; did you mean ${ENV_PREFIX}${meant}?`]
  })
}

/** The contents of a settings file. */
export function readFile(path: string, contents: unknown): Layer {
  return readObject(contents, path, (key) => ({ layer: 'file', path, key }))
}

/** The second argument of `new Celerity`. */
export function readCode(given: unknown): Layer {
  return readObject(given, 'new Celerity(…)', (key) => ({ layer: 'code', key }))
}

function readObject(contents: unknown, source: string, origin: (key: string) => Origin): Layer {
  const candidates = new Map<SettingName, Candidate>()
  const warnings: string[] = []
  if (contents === null || contents === undefined) return { candidates, problems: [], warnings } // an empty file
  if (!isObject(contents)) {
    return { candidates, problems: [{ key: '', source, text: `${source}: expected an object of settings` }], warnings }
  }
  const known = allKeys()
  const problems = Object.keys(contents)
    .filter((key) => !known.has(key))
    .map((key) => unknownKey(key, source, known.keys()))
  for (const [name, row] of ROWS) {
    const found = keysOf(name)
      .filter((key) => Object.hasOwn(contents, key) && contents[key] !== undefined)
      .map((key) => ({ origin: origin(key), read: row.kind.read(contents[key]) }))
    choose(name, found, candidates, warnings)
  }
  return { candidates, problems, warnings }
}

/** Takes the newest name, `found[0]`; says so when an older one disagrees. */
function choose(name: SettingName, found: readonly Candidate[], into: Map<SettingName, Candidate>, warnings: string[]): void {
  const [winner, ...others] = found
  if (winner === undefined) return
  into.set(name, winner)
  for (const other of others) {
    if (!alike(winner.read, other.read)) {
      warnings.push(`${originText(winner.origin)} and ${originText(other.origin)} disagree: the first, the newer name, counts`)
    }
  }
}

function alike(one: Read<unknown>, other: Read<unknown>): boolean {
  return one.ok && other.ok && JSON.stringify(one.value) === JSON.stringify(other.value)
}
