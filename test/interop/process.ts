import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { eventually } from '../eventually.js'
import { endWithUs, type Guard } from '../setup/guard.js'

export interface ProcessOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** A child process with its output kept line by line. It ends with `stop()`, or with us. */
export class Process {
  readonly #child: ChildProcess
  readonly #guard: Guard
  readonly #ended: Promise<number | NodeJS.Signals>
  /** When it has ended, and all it said is in `lines`: its exit code, or the signal that ended it. */
  readonly closed: Promise<number | NodeJS.Signals>
  readonly lines: string[] = []

  constructor(command: string, args: readonly string[], { cwd, env }: ProcessOptions) {
    this.#child = spawn(command, args, { cwd, env: { ...neutral(process.env), ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#guard = endWithUs(this.pid)
    this.#ended = new Promise((resolve) => this.#child.once('exit', (code, signal) => resolve(code ?? signal ?? 1)))
    this.#child.once('exit', () => this.#guard.dismiss()) // its number may soon be that of another process
    this.closed = new Promise((resolve) => this.#child.once('close', (code, signal) => resolve(code ?? signal ?? 1)))
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface(stream).on('line', (line) => this.lines.push(line))
    }
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#child.spawnfile} could not be started`)
    return this.#child.pid
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Every line of its standard output, from the next one on. */
  onLine(hear: (line: string) => void): void {
    if (this.#child.stdout !== null) createInterface(this.#child.stdout).on('line', hear)
  }

  write(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /** Resolves when it has said so, on whichever stream. */
  async said(pattern: RegExp, seconds = 20): Promise<void> {
    try {
      await eventually(() => {
        if (!this.isRunning) throw new Error('it ended')
        return this.lines.some((line) => pattern.test(line))
      }, seconds)
    } catch (error) {
      throw new Error(`waiting for ${pattern}: ${String(error)}\n${this.lines.slice(-40).join('\n')}`)
    }
  }

  /** TERM, and KILL when that does not help. Resolves to its exit code, or the signal that ended it. */
  async stop(seconds = 10): Promise<number | NodeJS.Signals> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), seconds * 1000)
    if (this.isRunning) this.#child.kill('SIGTERM')
    const how = await this.#ended
    clearTimeout(timer)
    return how
  }
}

/** The environment without what would reach the settings of either side. */
function neutral(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(TASKS_|CELERY|BROKER_URL$)/.test(name)))
}
