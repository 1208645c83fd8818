import type { Process } from './process.js'

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** A Python program of `python/` that is told what to do line by line, and answers each. */
export class Remote {
  readonly #process: Process
  readonly #waiting = new Map<number, Waiting>()
  #last = 0

  constructor(process: Process) {
    this.#process = process
    process.onLine((line) => this.#hear(line))
  }

  /** Resolves when it can be told something. */
  ready(): Promise<void> {
    return this.#process.said(/"ready"/)
  }

  ask(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const id = ++this.#last
    this.#process.write(JSON.stringify({ id, command, arguments: args }))
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  #hear(line: string): void {
    if (!line.startsWith('{"id"')) return
    const { id, value, failure } = JSON.parse(line) as { id: number; value?: unknown; failure?: string }
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (failure === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(`the Python program failed:\n${failure}`))
  }
}
