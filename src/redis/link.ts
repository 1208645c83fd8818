/**
 * One connection to a Redis server. Every call has a deadline; a connection that misses it is destroyed and a new one built. Commands
 * never wait in the client's own queue (they would be sent after their caller has given up), and after a cut nothing is sent again but by
 * `run`, which repeats a step until its deadline: steps are therefore scripts that are safe to send twice.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { CelerityError, type ErrorDetails, reason } from '../errors.js'
import type { Log } from '../log.js'
import { maskUrl } from '../mask.js'

export interface LinkOptions {
  /** Milliseconds a call may take, waiting for the connection included. */
  readonly deadlineMs: number
  readonly log: Log
  /** Code of the error when the server can't be reached in time. */
  readonly unreachable: 'E_BROKER_UNREACHABLE' | 'E_RESULTS_UNREACHABLE'
  /** A connection for blocking reads: no deadline of its own, `block` gives it per call. */
  readonly role?: 'commands' | 'blocking' | 'subscriber'
}

export interface RedisAddress {
  readonly url: string
  readonly db: number
  /** `redis://host:port`: which server, without database and secrets. */
  readonly server: string
}

/** A Lua script: its text, and the digest it is called by. */
export interface Script {
  readonly text: string
  readonly sha: string
}

type Argument = string | number | Buffer

/** Replies that mean "not yet": the server is starting, failing over, or held by a long script. */
const NOT_YET = /^(LOADING|BUSY|READONLY|MASTERDOWN|TRYAGAIN|CLUSTERDOWN|MISCONF)\b/

/** Never longer than this between two tries, so that work goes on within 5 s of the server's return. */
const MAX_BACKOFF_MS = 2_000

export class RedisLink {
  readonly address: RedisAddress
  /** When the present connection became ready, on the monotonic clock; null while there is none. */
  readySince: number | null = null
  readonly #options: LinkOptions
  #client: Redis | undefined
  #ready: PromiseWithResolvers<void> | undefined
  #closed = false
  #lastComplaint = 0
  #lastError: unknown
  #onReady: (client: Redis) => void = () => {}

  constructor(url: string, options: LinkOptions) {
    this.address = parseRedisUrl(url, options.unreachable)
    this.#options = options
  }

  /** Called with the client of each new connection, before any call uses it; often the same client, connected again. */
  whenReady(hook: (client: Redis) => void): void {
    this.#onReady = hook
  }

  /** Runs a script that is safe to send twice: again and again until it is answered or its deadline has passed. */
  script(script: Script, keys: readonly Argument[], args: readonly Argument[], deadlineMs?: number): Promise<unknown> {
    return this.run(async (client) => {
      const rest = [keys.length, ...keys, ...args] as string[]
      try {
        return await client.callBuffer('EVALSHA', script.sha, ...rest)
      } catch (error) {
        if (!reason(error).startsWith('NOSCRIPT')) throw error
        return await client.callBuffer('EVAL', script.text, ...rest)
      }
    }, deadlineMs)
  }

  /** Runs a step that is safe to send twice. Rejects with the unreachable code at the deadline, E_BROKER_REFUSED for the server's no. */
  async run<T>(step: (client: Redis) => Promise<T>, deadlineMs = this.#options.deadlineMs): Promise<T> {
    const end = performance.now() + Math.min(deadlineMs, this.#options.deadlineMs)
    let sent = false
    for (let tries = 0; ; tries++) {
      const client = await this.#connected(end, sent)
      try {
        sent = true
        return await within(step(client), end - performance.now())
      } catch (error) {
        this.#lastError = error
        if (error === MISSED) this.#discard(client)
        else if (!isTransient(error)) throw this.#refused(error)
        if (performance.now() >= end || this.#closed) throw this.#unreachable(sent)
        // A client whose socket has just broken says no at once, and learns of the break only when the event loop turns.
        await pause(Math.min(NOT_YET.test(reason(error)) ? 50 * 2 ** tries : 5, 500, end - performance.now()))
      }
    }
  }

  /** A blocking read: waits up to `ms` for the server's answer; a connection that is silent for 2 s more is destroyed. Null on any trouble. */
  async block<T>(ms: number, step: (client: Redis) => Promise<T>): Promise<T | null> {
    let client: Redis | undefined
    try {
      client = await this.#connected(performance.now() + ms, false)
      return await within(step(client), ms + 2_000)
    } catch (error) {
      if (error === MISSED && client !== undefined) this.#discard(client)
      if (!this.#closed) await pause(200) // a server's no (OOM, WRONGTYPE) comes at once: never turn that into a busy loop
      return null
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#ready?.reject(new Error('closed'))
    const client = this.#client
    this.#client = undefined
    if (client === undefined) return
    client.disconnect(false)
  }

  #connected(end: number, sent: boolean): Promise<Redis> | Redis {
    if (this.#closed) throw this.#unreachable(sent, 'this connection was closed')
    this.#client ??= this.#connect()
    const client = this.#client
    if (client.status === 'ready') return client
    this.#ready ??= watched()
    return within(this.#ready.promise, end - performance.now()).then(
      () => this.#client ?? client,
      () => {
        throw this.#unreachable(sent)
      },
    )
  }

  #connect(): Redis {
    const options = {
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      // Ends the calls that a cut leaves unanswered; `null` would forget them without a word, and each would wait for its deadline.
      maxRetriesPerRequest: 0,
      maxLoadingRetryTime: 1_000,
      connectTimeout: Math.min(this.#options.deadlineMs, 5_000),
      keepAlive: 10_000,
      disableClientInfo: true,
      protocol: 2 as const,
      retryStrategy: (times: number) => Math.min(25 * 2 ** Math.min(times, 8), MAX_BACKOFF_MS) * (0.5 + Math.random() / 2),
    }
    const client = new Redis(this.address.url, options)
    client.on('ready', () => {
      this.readySince = performance.now()
      this.#onReady(client)
      this.#ready?.resolve()
      this.#ready = undefined
    })
    client.on('close', () => {
      if (client === this.#client) this.readySince = null
    })
    client.on('error', (error) => this.#complain(error))
    return client
  }

  /** Thrown away, not repaired: a connection that missed a deadline may still deliver stale replies. */
  #discard(client: Redis): void {
    if (client !== this.#client) return
    this.#client = undefined
    this.readySince = null
    const { stream } = client
    client.disconnect(false)
    stream?.destroy()
  }

  /** One line a minute while an outage lasts. */
  #complain(error: unknown): void {
    this.#lastError = error
    const now = performance.now()
    if (this.#closed || (this.#lastComplaint !== 0 && now - this.#lastComplaint < 60_000)) return
    this.#lastComplaint = now
    this.#options.log.warning(`No connection to ${maskUrl(this.address.url)}: ${reason(error) || 'connection refused'}; trying again`)
  }

  #unreachable(sent: boolean, why?: string): Unreachable {
    const cause = this.#lastError
    return new Unreachable(this.#options.unreachable, sent, {
      message: `Cannot reach ${maskUrl(this.address.url)}: ${why ?? (cause === undefined || cause === MISSED ? 'no answer in time' : reason(cause))}`,
      hint: 'Is the server running? --broker, TASKS_BROKER_URL or brokerUrl names another one.',
      cause,
    })
  }

  #refused(error: unknown): CelerityError {
    return new CelerityError('E_BROKER_REFUSED', {
      message: `${maskUrl(this.address.url)} refused: ${reason(error)}`,
      hint: 'This is the answer of the server itself; its configuration or its memory limit explains it.',
      cause: error,
    })
  }
}

/** The server did not answer in time. */
export class Unreachable extends CelerityError {
  /** Whether the step was sent at all: if so, nobody can tell whether it was carried out. */
  readonly sent: boolean

  constructor(code: LinkOptions['unreachable'], sent: boolean, details: ErrorDetails) {
    super(code, details)
    this.sent = sent
  }
}

/** Reads a script that lies beside the adapter (`scripts/name.lua`). */
export function loadScript(base: string, name: string): Script {
  const text = readFileSync(new URL(`./scripts/${name}.lua`, base), 'utf8')
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}

/** @throws CelerityError when the URL is none of redis:// rediss://, or its path is no database number */
export function parseRedisUrl(url: string, code: LinkOptions['unreachable']): RedisAddress {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch (cause) {
    throw badUrl(url, 'it is no URL', cause)
  }
  const path = parsed.pathname.replace(/^\//, '')
  if (path !== '' && !/^\d{1,5}$/.test(path)) throw badUrl(url, `the database is a number, not ${JSON.stringify(path)}`)
  const port = parsed.port || '6379'
  return { url, db: path === '' ? 0 : Number(path), server: `${parsed.protocol}//${parsed.hostname || 'localhost'}:${port}` }

  function badUrl(value: string, why: string, cause?: unknown): CelerityError {
    const ofBroker = code === 'E_BROKER_UNREACHABLE'
    return new CelerityError(ofBroker ? 'E_BROKER_URL' : 'E_RESULTS_URL', {
      message: `The ${ofBroker ? 'broker' : 'result backend'} URL ${maskUrl(value)} can't be used: ${why}`,
      hint: 'Redis is redis://[user:password@]host[:port][/database], or rediss:// with TLS.',
      cause,
    })
  }
}

const MISSED = new Error('no answer in time')

function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(MISSED), Math.max(ms, 0))
    promise.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}

function watched(): PromiseWithResolvers<void> {
  let resolve: () => void = () => {}
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  promise.catch(() => {}) // nobody may be waiting when the link is closed
  return { promise, resolve, reject }
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(reason: unknown): void
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(ms, 0)))
}

/** Worth sending again: the connection broke under the call, or the server says "not yet". */
function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'ReplyError') return NOT_YET.test(error.message)
  return true
}
