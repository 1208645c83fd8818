/** A private PostgreSQL on loopback and a free port, in a folder of its own. It refuses to run as root, so then it runs as somebody else. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from './free-port.js'
import { endWithUs, type Guard } from './guard.js'

export interface PostgresServer {
  /** Of the empty database `postgres`. */
  readonly url: string
  readonly port: number
  /** The first of its processes; changes with `restart`. */
  readonly pid: number
  /** Ends it as a crash would. What was committed stays for `restart`. */
  kill(): Promise<void>
  /** Starts it again on the same port and the same data. */
  restart(): Promise<void>
  /** Ends it and removes its data. */
  stop(): Promise<void>
}

const USER = 'celerity'

/** Nothing here outlives the machine: no write has to wait for a disk. A crash of the server alone loses nothing all the same. */
const FAST = ['fsync=off', 'full_page_writes=off', 'max_connections=200']

/** The folder of `initdb` and `postgres`, newest version first; undefined when there is none. `more` are folders of one's own. */
export function findPostgres(...more: readonly string[]): string | undefined {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a)) : []
  const ofDebian = versions.map((version) => `/usr/lib/postgresql/${version}/bin`)
  const folders = [...ofDebian, ...more, ...(process.env['PATH'] ?? '').split(delimiter)]
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

/**
 * Resolves when it takes connections.
 *
 * @param bin the folder of `initdb` and `postgres`
 * @param settings more of the server's own: `synchronous_commit=off`, with which a crash loses the last moments
 */
export async function startPostgresServer(bin: string, settings: readonly string[] = []): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'celerity-postgres-'))
  const user = unprivileged()
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', USER, '-A', 'trust', '--no-sync'], { stdio: 'ignore', cwd: folder, ...user })

  const port = await freePort()
  const options = [...FAST, ...settings].flatMap((setting) => ['-c', setting])
  const args = ['-D', data, '-h', '127.0.0.1', '-p', `${port}`, '-k', folder, ...options]
  const begin = () => start(join(bin, 'postgres'), args, folder, user)
  let { child, guard } = await begin()
  const kill = async () => {
    guard.dismiss()
    await ended(child)
  }
  return {
    port,
    url: `postgres://${USER}@127.0.0.1:${port}/postgres`,
    get pid() {
      return child.pid as number
    },
    kill,
    async restart() {
      await kill()
      ;({ child, guard } = await begin())
    },
    async stop() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface User {
  readonly uid: number
  readonly gid: number
}

function start(
  file: string,
  args: readonly string[],
  folder: string,
  user: User | undefined,
): Promise<{ readonly child: ChildProcess; readonly guard: Guard }> {
  const child = spawn(file, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], ...user })
  return new Promise((resolve, reject) => {
    const said: string[] = []
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`PostgreSQL did not start:\n${said.join('\n')}`)))
    createInterface(child.stderr).on('line', (line) => {
      if (said.length < 50) said.push(line)
      if (!/ready to accept connections/.test(line)) return
      child.unref() // from here on nobody waits for it: the guard ends it with us
      if (child.stderr instanceof Socket) child.stderr.unref()
      resolve({ child, guard: endWithUs(child.pid as number, folder) })
    })
  })
}

/** QUIT is its own word for "at once"; KILL would leave its children, and the memory they share, to be waited for. */
function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.ref()
    child.once('exit', () => resolve())
    child.kill('SIGQUIT')
  })
}

function unprivileged(): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
      return { uid: id('-u'), gid: id('-g') }
    } catch {
      // no such user: the next one
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is no user to run it as')
}
