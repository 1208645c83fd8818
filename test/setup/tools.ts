/** The programs that tests talk to: found on this machine, or got from Debian. */
import { spawnSync } from 'node:child_process'
import { accessSync, chmodSync, constants, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findPostgres } from './postgres-server.js'

/** Where a program is, or why tests that need it are skipped. */
export type Tool = { readonly path: string; readonly missing?: never } | { readonly path?: never; readonly missing: string }

export interface Tools {
  readonly redisServer: Tool
  /** A Python that imports Celery and its Redis client. */
  readonly python: Tool
  /** A terminal that tests can type into and read. */
  readonly tmux: Tool
  /** A library that shows a process another wall clock, for LD_PRELOAD. */
  readonly faketime: Tool
  /** The folder of `initdb` and `postgres`. */
  readonly postgres: Tool
}

const setup = fileURLToPath(new URL('.', import.meta.url))
const cache = fileURLToPath(new URL('../../.cache/debian', import.meta.url))
const unpacked = join(cache, 'root')

const PACKAGES = {
  redisServer: ['redis-server'],
  python: ['python3', 'celery', 'python3-celery', 'python3-redis'],
  tmux: ['tmux'],
  faketime: ['libfaketime'],
  postgres: ['postgresql'],
} as const

export function findTools(): Tools {
  return { redisServer: findRedis(), python: findPython(), tmux: findTmux(), faketime: findFaketime(), postgres: findServer() }
}

/**
 * Finds the tools; on Debian, installs those that are missing.
 *
 * @throws Error when Debian's packages cannot be had: on Debian no test is skipped
 */
export function provideTools(): Tools {
  const found = findTools()
  const missing = (Object.keys(PACKAGES) as (keyof Tools)[]).filter((name) => found[name].missing !== undefined)
  if (missing.length === 0 || !existsSync('/etc/debian_version')) return found

  getFromDebian(missing.flatMap((name) => PACKAGES[name]))
  const tools = findTools()
  const still = missing.flatMap((name) => tools[name].missing ?? [])
  if (still.length > 0) throw new Error(`Debian's packages are installed, and still: ${still.join('; ')}`)
  return tools
}

function findRedis(): Tool {
  const path = [...onPath('redis-server'), wrapper('redis-server')].find((one) => runs(one))
  return path === undefined ? { missing: 'redis-server is not on PATH' } : { path }
}

function findTmux(): Tool {
  const path = [...onPath('tmux'), wrapper('tmux')].find((one) => runs(one, '-V'))
  return path === undefined ? { missing: 'tmux is not on PATH' } : { path }
}

export function findFaketime(): Tool {
  const folders = ['/usr/lib', join(unpacked, 'usr/lib')].filter(existsSync)
  const ofMachines = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
  const path = ofMachines.map((folder) => join(folder, 'faketime/libfaketime.so.1')).find(existsSync)
  return path === undefined ? { missing: 'libfaketime is not installed' } : { path }
}

function findServer(): Tool {
  const path = findPostgres(cache)
  return path === undefined ? { missing: 'PostgreSQL (initdb and postgres) is not installed' } : { path }
}

/** Debian's own Python first: it is the one with the packages, whatever a version manager has put before it on PATH. */
function findPython(): Tool {
  const path = ['/usr/bin/python3', wrapper('python3'), ...onPath('python3')].find(hasCelery)
  return path === undefined ? { missing: 'no python3 here has the packages celery and redis' } : { path }
}

function onPath(name: string): string[] {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/sbin', '/usr/local/bin']
  return folders.map((folder) => join(folder, name)).filter(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // not there, or not for us
  }
}

function runs(path: string, version = '--version'): boolean {
  return spawnSync(path, [version], { stdio: 'ignore' }).status === 0
}

function hasCelery(path: string): boolean {
  return spawnSync(path, ['-c', 'import celery, redis'], { stdio: 'ignore' }).status === 0
}

function getFromDebian(packages: readonly string[]): void {
  console.error(`Getting ${packages.join(', ')} from Debian …`)
  const installer = join(setup, 'install-debian.sh')
  if (process.getuid?.() === 0) execute('sh', [installer, ...packages])
  else if (spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0) execute('sudo', ['-n', 'sh', installer, ...packages])
  else {
    execute('sh', [join(setup, 'unpack-debian.sh'), cache, ...packages])
    writeWrappers()
  }
}

function execute(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`, { cause: error })
}

function wrapper(name: string): string {
  return join(cache, name)
}

/** What was unpacked and not installed is run with its own libraries, without a word of that in anyone's environment. */
function writeWrappers(): void {
  const libraries = ['usr/lib', 'lib'].map((folder) => join(unpacked, folder)).filter(existsSync)
  const ofThisMachine = libraries.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /-linux-gnu/.test(name))
      .map((name) => join(folder, name)),
  )
  const path = `export LD_LIBRARY_PATH=${quote([...ofThisMachine, ...libraries].join(':'))}`

  const redis = join(unpacked, 'usr/bin/redis-server')
  const tmux = join(unpacked, 'usr/bin/tmux')
  const ownPython = join(unpacked, 'usr/bin/python3')
  const home = existsSync(ownPython) ? `export PYTHONHOME=${quote(join(unpacked, 'usr'))}` : ':'
  const modules = `export PYTHONPATH=${quote(join(unpacked, 'usr/lib/python3/dist-packages'))}`
  const python = existsSync(ownPython) ? ownPython : '/usr/bin/python3'
  const versions = join(unpacked, 'usr/lib/postgresql')
  const postgres = join(versions, existsSync(versions) ? (readdirSync(versions)[0] ?? '') : '', 'bin')
  const scripts = {
    'redis-server': [path, `exec ${quote(redis)} "$@"`],
    python3: [path, home, modules, `exec ${quote(python)} "$@"`],
    tmux: [path, `exec ${quote(tmux)} "$@"`],
    ...Object.fromEntries(['initdb', 'postgres'].map((name) => [name, [path, `exec ${quote(join(postgres, name))} "$@"`]])),
  }
  for (const [name, lines] of Object.entries(scripts)) {
    writeFileSync(wrapper(name), `#!/bin/sh\n${lines.join('\n')}\n`)
    chmodSync(wrapper(name), 0o755)
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
