/**
 * What a fresh clone lacks, and how it gets it: packages when the lock file names others than those installed, a build when a
 * source is newer than it. Node's own modules only, since it runs before anything is installed.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** The last file a build writes, stamped with the moment it began: an edit during a build is newer than it. */
export const STAMP = join(root, 'oclif.manifest.json')

const SOURCES = ['src', 'commands', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'bin/build.js', 'bin/bundle.js']

/** Installs and builds what is missing or old. Ends this process when a step fails, with that step's exit code. */
export function prepare() {
  install()
  if (!isBuilt()) step('Building', process.execPath, [join(root, 'bin/build.js')])
}

export function install() {
  requireNode()
  if (isInstalled()) return
  // The scripts of npm's own package run with the Node that runs us; `npm` on PATH may belong to another.
  const npm = process.env.npm_execpath
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  step('Installing packages (npm ci)', command, [...args, 'ci', '--no-audit', '--no-fund'])
}

/** Whether what is installed is what the lock file says. Compared by content: a checkout gives files new times. */
function isInstalled() {
  const installed = packages(join(root, 'node_modules/.package-lock.json'))
  const locked = packages(join(root, 'package-lock.json'))
  if (installed === null || locked === null) return false
  return Object.entries(locked).every(([path, entry]) => {
    if (path === '') return true
    const have = installed[path]
    return have === undefined ? entry.optional === true || entry.peer === true : have.version === entry.version
  })
}

/** Whether the build is newer than every source, folders included (a folder's time tells that a file left it). */
function isBuilt() {
  if (!existsSync(STAMP) || !existsSync(join(root, 'dist'))) return false
  const built = statSync(STAMP).mtimeMs
  return SOURCES.every((path) => newest(join(root, path)) <= built)
}

function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return 0
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
}

function packages(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')).packages
  } catch {
    return null // not there, or cut off half-way: both mean that an install has to run
  }
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  process.stderr.write(`Celerity needs Node 20.19 or later; this is ${process.version}.\n`)
  process.exit(1)
}

function step(title, command, args) {
  process.stderr.write(`${title} …\n`)
  // What it prints is about the work, not the data asked for: all of it goes to stderr.
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] })
  if (error) process.stderr.write(`${command}: ${error.message}\n`)
  if (status !== 0) process.exit(status ?? 1)
}
