import type { Process } from './process.js'

/** A call as `python/driver.py` makes it. `{ $datetime: '…' }` and its like stand for Python values. */
export interface Call {
  readonly task: string
  readonly args?: readonly unknown[]
  readonly kwargs?: Readonly<Record<string, unknown>>
  /** Celery's own names: countdown, eta, expires, queue … */
  readonly options?: Readonly<Record<string, unknown>>
  readonly link?: Call
  readonly link_error?: Call
}

/** What `AsyncResult.get` did: it returned, or it raised. */
export type Got = { readonly value: unknown; readonly error?: undefined } | { readonly value?: undefined; readonly error: PythonError }

export interface PythonError {
  readonly type: string
  readonly module: string
  /** Names of its class and all above it. */
  readonly bases: readonly string[]
  readonly args: readonly unknown[]
  /** `str(error)`. */
  readonly text: string
}

/** What the properties of an `AsyncResult` say. */
export interface PythonState {
  readonly state: string
  readonly info: unknown
  readonly traceback: string | null
  readonly children: readonly string[]
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** A Python process that produces and asks for results, one command after the other. */
export class Driver {
  readonly #process: Process
  readonly #waiting = new Map<number, Waiting>()
  #last = 0

  constructor(process: Process) {
    this.#process = process
    process.onLine((line) => this.#hear(line))
  }

  async send(call: Call): Promise<string> {
    return ((await this.#ask('send', { call })) as { id: string }).id
  }

  /** The ids of all steps, in order. */
  async sendChain(steps: readonly Call[]): Promise<readonly string[]> {
    return ((await this.#ask('send_chain', { steps })) as { ids: string[] }).ids
  }

  async get(id: string): Promise<Got> {
    return (await this.#ask('get', { id })) as Got
  }

  /** Sends it and waits for its result. */
  async call(call: Call): Promise<Got> {
    return this.get(await this.send(call))
  }

  async state(id: string): Promise<PythonState> {
    return (await this.#ask('state', { id })) as PythonState
  }

  #ask(command: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
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
    else waiting?.reject(new Error(`the Python driver failed:\n${failure}`))
  }
}
