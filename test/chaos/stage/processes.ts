/**
 * Processes of a scenario, each the leader of a group of its own, so that a fault hits it with all it started. They end with the scenario,
 * and with us even if we are killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../eventually.js'
import { endWithUs, type Guard } from '../../setup/guard.js'
import { endGroup } from '../../setup/process-group.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class GroupProcess {
  readonly name: string
  /** Resolves when it has ended. */
  readonly ended: Promise<Ended>
  readonly #child: ChildProcess
  readonly #guard: Guard
  #output = ''

  constructor(name: string, command: string, args: readonly string[], options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }) {
    this.name = name
    this.#child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    this.#guard = endWithUs(-this.pid)
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
      })
    }
    this.ended = new Promise((resolve) => this.#child.once('close', (code, signal) => resolve({ code, signal })))
    this.#child.once('exit', () => this.#left())
  }

  /** What it has started ends with it, now: later its number may be that of another process, which nobody wants to hit. */
  #left(): void {
    endGroup(this.pid, 'SIGKILL')
    this.#guard.dismiss()
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new Error(`${this.name} could not be started`)
    return pid
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** What it wrote so far, on both streams. */
  get output(): string {
    return this.#output
  }

  /** Nothing happens once it has ended. */
  signal(signal: NodeJS.Signals): void {
    if (this.isAlive) endGroup(this.pid, signal)
  }

  /** Resolves when it has written that; rejects when it ends before. */
  async said(pattern: RegExp, seconds = 30): Promise<void> {
    await eventually(() => {
      if (pattern.test(this.#output)) return true
      if (!this.isAlive) throw new Error(`${this.name} ended before it said ${pattern}:\n${this.#output.slice(-2000)}`)
      return false
    }, seconds).catch((error: Error) => {
      throw new Error(`${this.name}, waiting for ${pattern}: ${error.message}\n${this.#output.slice(-2000)}`)
    })
  }

  /** Whatever state it is in. */
  async end(): Promise<void> {
    this.signal('SIGKILL')
    await this.ended
  }
}

/** Another program of this folder, on the sources' own TypeScript loader. */
export function startProgram(file: string, args: readonly string[], env: NodeJS.ProcessEnv): GroupProcess {
  const path = fileURLToPath(new URL(file, import.meta.url))
  return new GroupProcess(file, process.execPath, ['--import', 'tsx', path, ...args], { cwd: ROOT, env }) // where the loader is found
}

/** What it wrote that an operator would be alarmed by: lines of level `error` and above, and what is no line of its log at all. */
export function complaints(worker: GroupProcess): readonly string[] {
  const lines = worker.output.split('\n').filter((line) => line.trim() !== '')
  return lines.filter((line) => !line.startsWith('{') || /"level":"(error|critical)"/.test(line)).map((line) => `${worker.name}: ${line}`)
}
