/**
 * Settings, from their sources to one frozen object. A flag wins over the environment, that over the settings file, that over the code,
 * that over the default. Each value remembers where it came from and what it overrode. After this nobody reads the environment.
 */
import { resolve } from 'node:path'
import { findFile, packageRoot, readNamedFile } from './file.js'
import { AT_BROKER } from './kinds.js'
import type { Origin } from './origin.js'
import { type Problem, SettingsError, wrongValue } from './problem.js'
import { ROWS, type SettingName, type Settings, type SettingsInput } from './schema.js'
import { completeSentinels } from './sentinels.js'
import { CONFIG_VARIABLE, type Environment, type Layer, readCode, readEnvironment, readFile, readFlags } from './sources.js'

export interface LoadOptions {
  /** Where the search for a settings file starts. */
  readonly cwd: string
  readonly env: Environment
  /** Values of flags, by name without dashes (`broker`); those that set nothing are passed over. */
  readonly flags?: Readonly<Record<string, unknown>>
  /** A settings file to read instead of searching (`--config`); relative to `cwd`. */
  readonly file?: string | undefined
}

/** What was found outside the code, before anything is decided. */
export interface Sources {
  readonly cwd: string
  /** The settings file that was read. */
  readonly file: string | null
  /** Where relative SQLite files start: the folder of the settings file, else the package root. */
  readonly folder: string | null
  readonly flags: Layer
  readonly environment: Layer
  readonly contents: Layer
}

interface Provenance {
  readonly origin: Origin
  /** What lost against it, strongest first. */
  readonly overridden: readonly { readonly origin: Origin; readonly value: unknown }[]
}

export interface LoadedSettings {
  readonly settings: Settings
  readonly provenance: ReadonlyMap<SettingName, Provenance>
  readonly file: string | null
  /** Names that disagree, and variables that look misspelt: to be said once. */
  readonly warnings: readonly string[]
}

/** @throws E_SETTINGS when the settings file cannot be read */
export async function readSources(options: LoadOptions): Promise<Sources> {
  const { cwd, env } = options
  const named = options.file ?? (env[CONFIG_VARIABLE] || undefined)
  const file = named === undefined ? await findFile(cwd) : await readNamedFile(cwd, named)
  return {
    cwd,
    file: file?.path ?? null,
    folder: file === null ? packageRoot(cwd) : resolve(file.path, '..'),
    flags: readFlags(options.flags ?? {}),
    environment: readEnvironment(env),
    contents: readFile(file?.path ?? '', file?.contents),
  }
}

/**
 * Decides. `code` is the second argument of `new Celerity`.
 *
 * @throws E_SETTINGS with everything that is wrong, all at once
 */
export function resolveSettings(sources: Sources, code: SettingsInput = {}): LoadedSettings {
  const layers = [sources.flags, sources.environment, sources.contents, readCode(code)]
  const problems: Problem[] = layers.flatMap((layer) => layer.problems)
  const values: Partial<Record<SettingName, unknown>> = {}
  const provenance = new Map<SettingName, Provenance>()

  for (const [name, row] of ROWS) {
    const found: { origin: Origin; value: unknown }[] = []
    for (const { candidates } of layers) {
      const candidate = candidates.get(name)
      if (candidate === undefined) continue
      if (candidate.read.ok) found.push({ origin: candidate.origin, value: candidate.read.value })
      else problems.push(wrongValue(name, candidate.origin, candidate.read))
    }
    const [winner, ...overridden] = [...found, { origin: { layer: 'default' } as const, value: row.default }]
    values[name] = winner!.value
    // The default is no decision of anybody's, so overriding it is not worth a word.
    provenance.set(name, { origin: winner!.origin, overridden: overridden.slice(0, -1) })
  }

  completeSentinels(values)
  deriveResultBackend(values, provenance)
  problems.push(...locate(values, provenance, sources))
  if (problems.length > 0) throw new SettingsError(problems)
  const settings = Object.freeze(values) as Settings
  return { settings, provenance, file: sources.file, warnings: layers.flatMap((layer) => layer.warnings) }
}

/** `readSources` and `resolveSettings` in one, for who has the code's part already. */
export async function loadSettings(options: LoadOptions, code?: SettingsInput): Promise<LoadedSettings> {
  return resolveSettings(await readSources(options), code)
}

const NOTHING: Layer = { candidates: new Map(), problems: [], warnings: [] }

/**
 * Settings from code and defaults alone; no file, no environment: for tests and embedding.
 *
 * @param folder where a relative SQLite file starts; without it such a URL is an error
 */
export function settingsOf(code: SettingsInput, folder: string | null = null): Settings {
  return resolveSettings({ cwd: folder ?? '', file: null, folder, flags: NOTHING, environment: NOTHING, contents: NOTHING }, code).settings
}

type Values = Partial<Record<SettingName, unknown>>

/** `broker` becomes the broker's URL; where that keeps no results, they are kept nowhere. */
function deriveResultBackend(values: Values, provenance: Map<SettingName, Provenance>): void {
  if (values.resultBackend !== AT_BROKER) return
  const broker = String(values.brokerUrl)
  values.resultBackend = /^(sqlite|rediss?|sentinel|memory):/i.test(broker) ? broker : null
  const { overridden } = provenance.get('resultBackend')!
  provenance.set('resultBackend', { origin: { layer: 'derived', from: 'brokerUrl' }, overridden })
}

/** Makes relative paths absolute: from the settings file for what stands in it; for SQLite always from the same folder, so that all agree. */
function locate(values: Values, provenance: ReadonlyMap<SettingName, Provenance>, { cwd, folder }: Sources): Problem[] {
  const problems: Problem[] = []
  for (const name of ['brokerUrl', 'resultBackend', 'monitorStore'] as const) {
    const { origin } = provenance.get(name)!
    const path = relativeSqlite(values[name])
    if (path === null) continue
    if (folder !== null) values[name] = `sqlite:${resolve(folder, path)}`
    // Nobody asked for the monitor's default: whoever opens it says that there is no place for it.
    else if (origin.layer !== 'derived' && !(name === 'monitorStore' && origin.layer === 'default')) problems.push(nowhere(name, path, cwd))
  }
  const base = (name: SettingName) => (isWritten(provenance.get(name)!.origin) ? (folder ?? cwd) : cwd)
  if (typeof values.app === 'string') values.app = located(values.app, base('app'))
  values.imports = (values.imports as readonly string[]).map((path) => located(path, base('imports')))
  return problems
}

/** A flag or a variable is typed by someone who stands in the current folder; file and code stay where they are. */
const isWritten = ({ layer }: Origin) => layer === 'file' || layer === 'code'

/** What looks like a URL is left alone; whoever loads it refuses it. */
const located = (path: string, base: string) => (/^[a-z][a-z0-9+.-]+:\/\//i.test(path) ? path : resolve(base, path))

function relativeSqlite(url: unknown): string | null {
  const match = typeof url === 'string' ? /^sqlite:(?!\/|:memory:|[a-z]:[\\/])(.+)$/i.exec(url) : null
  return match?.[1] ?? null
}

function nowhere(name: SettingName, path: string, cwd: string): Problem {
  const text = `${name}: ${path} is relative, and neither a settings file nor a package.json is in or above ${cwd || 'the current folder'}`
  return { key: name, source: 'default', text: `${text}: run \`tasks init\`, or give sqlite:/absolute/path` }
}
