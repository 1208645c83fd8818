/** Finds and reads the settings file: `.taskrc`, `tasks.config.*` or `tasks` in package.json. */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { reason } from '../errors.js'
import { importModule } from './module.js'
import { SettingsError } from './problem.js'

export interface SettingsFile {
  readonly path: string
  readonly contents: unknown
}

const EXTENSIONS = ['json', 'yaml', 'yml', 'js', 'mjs', 'cjs', 'ts', 'mts', 'cts']

/** In the order in which they are looked for in each folder. */
const SEARCH_PLACES: readonly string[] = [
  '.taskrc',
  ...EXTENSIONS.map((extension) => `.taskrc.${extension}`),
  ...EXTENSIONS.map((extension) => `tasks.config.${extension}`),
  'package.json',
]

/**
 * The settings file of the project around `cwd`: the nearest one between `cwd` and the project's outermost folder, null when there is
 * none. The home folder does not count, unless it is a package itself: `~/.taskrc` belongs to Taskwarrior.
 *
 * @throws E_SETTINGS when a file is found and cannot be read
 */
export async function findFile(cwd: string): Promise<SettingsFile | null> {
  const candidates = projectFolders(cwd)
  // Looking first spares loading cosmiconfig and its YAML where there is nothing to read, which is the common case on first use.
  if (!candidates.some((folder) => SEARCH_PLACES.some((place) => existsSync(join(folder, place))))) return null
  const explorer = await open()
  for (const folder of candidates) {
    const found = await explorer.search(folder).catch((error: unknown) => unreadable(error, join(folder, '…')))
    if (found !== null) return { path: found.filepath, contents: found.config as unknown }
  }
  return null
}

/**
 * The file the user named.
 *
 * @throws E_SETTINGS when it cannot be read
 */
export async function readNamedFile(cwd: string, path: string): Promise<SettingsFile> {
  const absolute = resolve(cwd, path)
  const explorer = await open()
  const found = await explorer.load(absolute).catch((error: unknown) => unreadable(error, absolute))
  return { path: absolute, contents: found?.config as unknown }
}

/** The nearest folder with a package.json, from `cwd` upwards; null when there is none. */
export function packageRoot(cwd: string): string | null {
  return ancestors(cwd).find((folder) => existsSync(join(folder, 'package.json'))) ?? null
}

/** `cwd` and upwards, to the outermost folder that is a package or a repository; without one, `cwd` alone. */
function projectFolders(cwd: string): readonly string[] {
  const home = homedir()
  const isPackage = (folder: string) => existsSync(join(folder, 'package.json'))
  const folders = ancestors(cwd).filter((folder, index) => index === 0 || folder !== home || isPackage(folder))
  const outermost = folders.findLastIndex((folder) => isPackage(folder) || existsSync(join(folder, '.git')))
  return folders.slice(0, Math.max(outermost, 0) + 1)
}

function ancestors(from: string): readonly string[] {
  const folders = [resolve(from)]
  for (let parent = dirname(folders[0]!); parent !== folders.at(-1); parent = dirname(parent)) folders.push(parent)
  return folders
}

async function open() {
  const { cosmiconfig, defaultLoaders } = await import('cosmiconfig')
  const module = async (path: string): Promise<unknown> => (await importModule(path))['default']
  const modules = Object.fromEntries(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'].map((extension) => [extension, module]))
  // Comments alone are null to YAML, and null is "go on looking" to cosmiconfig.
  const yaml = (path: string, text: string): unknown => defaultLoaders['.yaml'](path, text) ?? undefined
  return cosmiconfig('tasks', {
    searchPlaces: [...SEARCH_PLACES],
    // An empty file counts: its folder is where relative paths start.
    ignoreEmptySearchPlaces: false,
    searchStrategy: 'none',
    cache: false,
    loaders: { ...defaultLoaders, ...modules, noExt: yaml, '.yaml': yaml, '.yml': yaml },
  })
}

function unreadable(error: unknown, path: string): never {
  const { filepath = path, code } = error as { readonly filepath?: string; readonly code?: string }
  // A parser's message goes on with the lines around the fault: they may hold a password. No stack of it either, which repeats them.
  const lines = reason(error).split('\n')
  const isParsers = /^(?:YAML|JSON) Error in /.test(lines[0]!)
  const first = isParsers ? lines[1] : lines[0]
  const text = code === 'ENOENT' && filepath === path ? 'no such file' : first
  throw new SettingsError(
    [{ key: '', source: filepath, text: `Cannot read the settings in ${basename(filepath)} (${filepath}): ${text}` }],
    isParsers ? undefined : error,
  )
}
