/** Runs the built command line, as a user does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { eventually } from '../eventually.js'
import { endWithUs } from '../setup/guard.js'

export const BIN = fileURLToPath(new URL('../../bin/tasks.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd: string
  /** In place of whatever settings this process has. */
  readonly env?: Readonly<Record<string, string>>
  /** Written to stdin, which is no terminal. */
  readonly input?: string
  /** In a process group of its own, so that what it starts can be found. */
  readonly isLeader?: boolean
  /** As this user and group, by number. */
  readonly uid?: number
  readonly gid?: number
}

/** A command that has started. What it wrote so far can be read at any time. */
export class RunningTasks {
  stdout = ''
  stderr = ''
  readonly child: ChildProcess
  readonly ended: Promise<Ended>

  constructor(line: string | readonly string[], { cwd, env = {}, input, isLeader = false, uid, gid }: RunOptions) {
    const words = typeof line === 'string' ? line.split(' ').filter(Boolean) : line
    const { PATH = '', HOME = cwd } = process.env
    const child = spawn(process.execPath, [BIN, ...words], {
      cwd,
      env: { PATH, HOME, ...env },
      stdio: 'pipe',
      detached: isLeader,
      uid,
      gid,
    })
    this.child = child
    const guard = endWithUs(isLeader ? -this.pid : this.pid)
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        this[name] += text
      })
    }
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => {
        guard.dismiss()
        resolve({ code, stdout: this.stdout, stderr: this.stderr })
      })
    })
    child.stdin.on('error', () => {}) // it may end without having read
    child.stdin.end(input)
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('node could not be started')
    return this.child.pid
  }

  /** Resolves when it has written it `times` times, on either stream. */
  async said(pattern: RegExp, times = 1): Promise<void> {
    const every = new RegExp(pattern, 'gm')
    await eventually(() => {
      const found = [...`${this.stdout}\n${this.stderr}`.matchAll(every)].length
      if (found < times && this.child.exitCode !== null) throw new Error(`it ended, code ${this.child.exitCode}`)
      return found >= times
    }, 20).catch((error: unknown) => {
      throw new Error(`waiting for ${pattern}: ${String(error)}\n${this.stdout}\n${this.stderr}`)
    })
  }

  /** In order; resolves with the end. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    if (this.child.exitCode === null) this.child.kill(signal)
    return this.ended
  }
}

export function runTasks(line: string | readonly string[], options: RunOptions): Promise<Ended> {
  return new RunningTasks(line, options).ended
}
