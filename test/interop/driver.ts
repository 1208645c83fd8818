import { Remote } from './remote.js'

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

/** A Python process that produces and asks for results, one command after the other. */
export class Driver extends Remote {
  async send(call: Call): Promise<string> {
    return ((await this.ask('send', { call })) as { id: string }).id
  }

  /** The ids of all steps, in order. */
  async sendChain(steps: readonly Call[]): Promise<readonly string[]> {
    return ((await this.ask('send_chain', { steps })) as { ids: string[] }).ids
  }

  async get(id: string): Promise<Got> {
    return (await this.ask('get', { id })) as Got
  }

  /** Sends it and waits for its result. */
  async call(call: Call): Promise<Got> {
    return this.get(await this.send(call))
  }

  async state(id: string): Promise<PythonState> {
    return (await this.ask('state', { id })) as PythonState
  }
}
