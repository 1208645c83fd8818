/**
 * One connection to a Redis server. Every call has a deadline; a connection that misses it is destroyed and a new one built. Commands
 * never wait in the client's own queue (they would be sent after their caller has given up), and after a cut nothing is sent again but by
 * `run`, which repeats a step until its deadline: steps are therefore scripts that are safe to send twice.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { CelerityError, type ErrorDetails, reason } from '../errors.js'
import type { Log } from '../log.js'
import { maskUrl } from '../mask.js'
import { parseRedisUrl, type RedisAddress } from './address.js'
import { Outages } from './outages.js'
import { MISSED, pause, Waiting, within } from './patience.js'
import { discardedFor, type Refusal, refusalOf } from './refusal.js'
import { hashTag, Whereabouts } from './whereabouts.js'

export interface LinkOptions {
  /** Milliseconds a call may take, waiting for the connection included. */
  readonly deadlineMs: number
  readonly log: Log
  /** Code of the error when the server can't be reached in time. */
  readonly unreachable: 'E_BROKER_UNREACHABLE' | 'E_RESULTS_UNREACHABLE'
  /** Shared by the connections of a process, so that an outage is told once and not by each of them. */
  readonly outages?: Outages | undefined
  /** For a connection that mostly listens: asked every few seconds whether it is still there. */
  readonly listens?: boolean | undefined
  /** What all keys begin with; a hash tag in it is what a cluster asks for. */
  readonly keyPrefix?: string | undefined
}

/** A Lua script: its text, and the digest it is called by. */
export interface Script {
  readonly text: string
  readonly sha: string
}

type Argument = string | number | Buffer

/** What greets a new connection must be through by then: a peer that takes connections and answers nothing would hold us for ever. */
const GREETING_MS = 4_500
/** Milliseconds between two looks at a connection that listens. */
const PING_MS = 5_000
/** Milliseconds until the next node of a cluster is tried. */
const NEXT_NODE_MS = 100

export class RedisLink {
  readonly address: RedisAddress
  /** Which server this is. Of a cluster it is the slot, so that keys with another hash tag count as those of another server. */
  readonly server: string
  /** When the present connection became ready, on the monotonic clock; null while there is none. */
  readySince: number | null = null
  /** How often the server has answered "not yet". */
  refusals = 0
  readonly #options: LinkOptions
  readonly #outages: Outages
  readonly #whereabouts: Whereabouts
  /** For people: without secrets. */
  readonly #shown: string
  #client: Redis | undefined
  /** For a connection that is ready. */
  readonly #waiting = new Waiting()
  #closed = false
  #served = false
  #isAway = false
  #pings: NodeJS.Timeout | undefined
  #lastError: unknown
  /** This server can't be used at all; every call says so. */
  #unfit: CelerityError | undefined
  #onReady: (client: Redis) => void = () => {}

  constructor(url: string, options: LinkOptions) {
    this.address = parseRedisUrl(url, options.unreachable)
    this.#options = options
    this.server = this.address.server + hashTag(options.keyPrefix ?? '')
    this.#whereabouts = new Whereabouts(this.address, options.keyPrefix ?? '')
    this.#outages = options.outages ?? new Outages()
    this.#shown = maskUrl(url)
  }

  /** Behind this connection is one node of a cluster. */
  get isCluster(): boolean {
    return this.#whereabouts.isCluster
  }

  /** Called with the client of each new connection, before any call uses it; often the same client, connected again. */
  whenReady(hook: (client: Redis) => void): void {
    this.#onReady = hook
  }

  /** Runs a script that is safe to send twice: again and again until it is answered or its deadline has passed. */
  script(script: Script, keys: readonly Argument[], args: readonly Argument[], deadlineMs?: number): Promise<unknown> {
    return this.run((client) => evaluate(client, script, keys, args), deadlineMs)
  }

  /**
   * Runs a step that is safe to send twice, again while the server is away or says "not yet".
   *
   * @throws CelerityError the unreachable code at the deadline; for the server's no E_ACCESS_DENIED and E_BROKER_REFUSED, at once
   */
  async run<T>(step: (client: Redis) => Promise<T>, deadlineMs = this.#options.deadlineMs): Promise<T> {
    const whole = Math.min(deadlineMs, this.#options.deadlineMs)
    const end = performance.now() + whole
    let unheard = false // a try was sent, and its answer never came
    for (let tries = 0; ; tries++) {
      const client = await this.#connected(end, unheard)
      const left = end - performance.now()
      try {
        const answer = await within(step(client), left)
        if (this.#isAway) this.#back()
        return answer
      } catch (caught) {
        const error = discardedFor(caught)
        this.#lastError = error
        const refusal = refusalOf(error)
        const elsewhere = this.#whereabouts.isElsewhere(error)
        // Sent late, because its connection came late, it tells nothing of that one, which others wait for.
        if (elsewhere || (error === MISSED && left > whole / 2)) this.#discard(client)
        else if (refusal === 'not-yet') this.refusals++
        else if (refusal !== null) throw this.#refused(error, refusal)
        unheard ||= refusal === null
        // A client whose socket has just broken says no at once, and learns of the break only when the event loop turns.
        const rest = refusal === null ? 5 : Math.min(50 * 2 ** tries, 500)
        if (performance.now() + rest >= end || this.#closed) {
          if (refusal !== null) this.#complain(error)
          throw this.#unreachable(unheard)
        }
        await pause(rest)
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
      const elsewhere = this.#whereabouts.isElsewhere(error)
      if ((error === MISSED || elsewhere) && client !== undefined) this.#discard(client)
      if (!this.#closed) await pause(200) // a server's no (OOM, WRONGTYPE) comes at once: never turn that into a busy loop
      return null
    }
  }

  /** What a step that was carried out in part says of the rest, as an error: E_ACCESS_DENIED or E_BROKER_REFUSED. */
  refusal(words: string): CelerityError {
    const error = Object.assign(new Error(words.replace(/^-/, '')), { name: 'ReplyError' })
    return this.#refused(error, refusalOf(error) ?? 'no')
  }

  /** Whatever is under way is sent again over a new connection. */
  rebuild(): void {
    if (this.#client !== undefined) this.#discard(this.#client)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#pings)
    this.#waiting.fail(new Error('closed'))
    const client = this.#client
    this.#client = undefined
    if (client === undefined) return
    client.disconnect(false)
  }

  #connected(end: number, sent: boolean): Promise<Redis> | Redis {
    if (this.#closed) throw this.#unreachable(sent, 'this connection was closed')
    if (this.#unfit !== undefined) throw this.#unfit
    this.#client ??= this.#connect()
    const client = this.#client
    if (client.status === 'ready') return client
    return this.#waiting.wait(end - performance.now()).then(
      () => this.#client ?? client,
      (error: unknown) => {
        if (error instanceof CelerityError) throw error
        if (error === MISSED) this.#complain(this.#lastError ?? error)
        throw this.#unreachable(sent)
      },
    )
  }

  #connect(): Redis {
    const remark = (words: string) => this.#outages.remark(this.#options.log, `${this.#shown}: ${words}`)
    const client = this.#whereabouts.connect(Math.min(this.#options.deadlineMs, 5_000), remark)
    let greeting: NodeJS.Timeout | undefined
    client.on('connect', () => {
      greeting = setTimeout(() => this.#discard(client), GREETING_MS)
    })
    client.on('ready', () => {
      clearTimeout(greeting)
      this.readySince = performance.now()
      this.#served = true
      this.#back()
      void this.#whereabouts.greet(client)
      if (this.#options.listens) this.#pings ??= setInterval(() => this.#ping(), PING_MS).unref()
      this.#onReady(client)
      this.#waiting.come()
    })
    client.on('close', () => {
      clearTimeout(greeting)
      if (client === this.#client) this.readySince = null
    })
    client.on('end', () => this.#ended(client))
    client.on('error', (error) => this.#failed(error))
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
    // Somebody waits for a connection, or for what comes over it.
    if ((!this.#waiting.isEmpty || this.#options.listens) && !this.#closed) this.#client = this.#connect()
  }

  /** It does not try again by itself: in a cluster, another node may serve now. */
  #ended(client: Redis): void {
    if (client !== this.#client || this.#closed) return
    this.#whereabouts.lost()
    setTimeout(() => this.#discard(client), NEXT_NODE_MS)
  }

  /** Nobody would notice that nothing comes any more. */
  #ping(): void {
    if (this.readySince !== null) this.run((client) => client.ping()).catch(() => {}) // then it was thrown away
  }

  /** Whom the server does not let in at the first try it will not at the next; later it is an outage, and someone may change it back. */
  #failed(error: unknown): void {
    this.#lastError = error
    this.#unfit ??= this.#whereabouts.unfit(error) ?? undefined
    if (this.#unfit === undefined && (this.#served || refusalOf(error) !== 'denied')) this.#complain(error)
    else this.#waiting.fail(this.#unfit ?? this.#refused(error, 'denied'))
  }

  #complain(error: unknown): void {
    if (this.#closed) return
    this.#isAway = true
    this.#outages.away(this.#options.log, this.#shown, reason(error) || 'connection refused')
  }

  #back(): void {
    this.#isAway = false
    this.#lastError = undefined
    this.#outages.back(this.#options.log, this.#shown)
  }

  #unreachable(sent: boolean, why?: string): Unreachable {
    const cause = this.#lastError
    const refusal = refusalOf(cause)
    const words = why ?? (cause === undefined || cause === MISSED ? 'no answer in time' : reason(cause))
    return new Unreachable(this.#options.unreachable, sent, {
      message: refusal === null ? `Cannot reach ${this.#shown}: ${words}` : `${this.#shown} does not serve: ${words}`,
      hint: refusal === null ? 'Is the server running? --broker, TASKS_BROKER_URL or brokerUrl names another one.' : HINTS[refusal],
      cause,
    })
  }

  #refused(error: unknown, refusal: Refusal): CelerityError {
    const unfit = this.#whereabouts.unfit(error)
    if (unfit !== null) return unfit
    const details = { message: `${this.#shown} refused: ${reason(error)}`, hint: HINTS[refusal], cause: error }
    if (refusal === 'denied') return new CelerityError('E_ACCESS_DENIED', details)
    // Results that find no room wait for it; what is sent does not, for whoever sends decides.
    const waits = refusal === 'full' && this.#options.unreachable === 'E_RESULTS_UNREACHABLE'
    return waits ? new Unreachable(this.#options.unreachable, false, details) : new CelerityError('E_BROKER_REFUSED', details)
  }
}

const HINTS: Readonly<Record<Refusal, string>> = {
  'not-yet': 'This is the answer of the server itself; it is asked again until it serves.',
  full: 'The server has reached its maxmemory: give it more, or let workers empty its queues.',
  denied: 'User and password stand in the URL; what the user may do is shown by ACL GETUSER. What a worker needs: docs/redis.md.',
  no: 'This is the answer of the server itself; its configuration explains it.',
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

/** @param sent called when the script has been sent, each time: what is sent then is of the same write to the same connection */
export async function evaluate(client: Redis, script: Script, keys: readonly Argument[], args: readonly Argument[], sent?: () => void) {
  const rest = [keys.length, ...keys, ...args] as string[]
  const call = (command: string, what: string): Promise<unknown> => {
    const answer = client.callBuffer(command, what, ...rest)
    sent?.()
    return answer
  }
  try {
    return await call('EVALSHA', script.sha)
  } catch (error) {
    if (!reason(error).startsWith('NOSCRIPT')) throw error
    return await call('EVAL', script.text)
  }
}

/** Reads a script that lies beside the adapter (`scripts/name.lua`). */
export function loadScript(base: string, name: string): Script {
  const text = readFileSync(new URL(`./scripts/${name}.lua`, base), 'utf8')
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
