import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from './free-port.js'
import { endWithUs, type Guard } from './guard.js'

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** The process to be killed, paused or watched by a test; changes with `restart`. */
  readonly pid: number
  /** Ends the process at once. The data of a `durable` server stay for `restart`. */
  kill(): Promise<void>
  /** Starts it again on the same port and the same data. */
  restart(): Promise<void>
  /** Ends the process and removes its data. */
  stop(): Promise<void>
}

export interface RedisServerOptions {
  /** Append-only file, synced at every write: what was acknowledged survives `kill`. Off by default. */
  readonly durable?: boolean
  /** Its folder is made in this one, such as that of a small disk; default: where temporary files are. */
  readonly within?: string
  /** More of redis-server's own options: `['--maxmemory-policy', 'allkeys-lru']`. */
  readonly args?: readonly string[]
}

/** As many databases as test files may ask for, each its own (`servers.ts`). */
export const DATABASES = 1024

/** Starts a private server on loopback and a free port, in a folder of its own; resolves when it takes connections. */
export async function startRedisServer(binary: string, options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(options.within ?? tmpdir(), 'celerity-redis-'))
  const started = await startOnFreePort((port) => start(binary, port, folder, options), 5)
  let { child, guard } = started

  const kill = async () => {
    guard.dismiss()
    await ended(child)
  }
  return {
    port: started.port,
    url: `redis://127.0.0.1:${started.port}`,
    get pid() {
      return child.pid as number
    },
    kill,
    async restart() {
      await kill()
      ;({ child, guard } = await start(binary, started.port, folder, options))
    },
    async stop() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Running {
  readonly child: ChildProcess
  readonly guard: Guard
  readonly port: number
}

/** Someone else may take a port between our finding it free and the server binding it. */
async function startOnFreePort(startOn: (port: number) => Promise<Running>, tries: number): Promise<Running> {
  try {
    return await startOn(await freePort())
  } catch (error) {
    if (tries <= 1) throw error
    return startOnFreePort(startOn, tries - 1)
  }
}

function start(binary: string, port: number, folder: string, options: RedisServerOptions): Promise<Running> {
  const persistence = options.durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no']
  const place = ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder, '--databases', `${DATABASES}`]
  const child = spawn(binary, [...place, '--save', '', ...persistence, ...(options.args ?? [])], { stdio: ['ignore', 'pipe', 'ignore'] })
  return new Promise((resolve, reject) => {
    const said: string[] = []
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`redis-server did not start:\n${said.join('\n')}`)))
    createInterface(child.stdout).on('line', (line) => {
      if (said.length < 50) said.push(line)
      if (!/Ready to accept connections/.test(line)) return
      child.unref() // from here on nobody waits for it: the guard ends it with us
      if (child.stdout instanceof Socket) child.stdout.unref()
      resolve({ child, port, guard: endWithUs(child.pid as number, folder) })
    })
  })
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.ref()
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
