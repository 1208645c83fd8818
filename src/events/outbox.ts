/**
 * How events leave a process: gathered, many to a message, one message under way at a time. What nobody hears is found out by the answer
 * to a message; from then on this is deaf and takes nothing until the next probe, so that events cost nothing while nobody listens.
 *
 * With the broker away events are kept, the newest of them, and sent when it is back: a reader passes over what it gets twice.
 */
import type { Broadcast, Heard } from '../broker/broker.js'
import { reason } from '../errors.js'
import type { Log } from '../log.js'
import type { EncodedEvents } from '../protocol/event-encode.js'

export interface OutboxParts {
  readonly broadcast: (message: Broadcast) => Promise<Heard>
  /** A message of `count` events. @param list them, as a JSON list; not to be kept, for it is written over */
  readonly pack: (list: Uint8Array, count: number) => EncodedEvents
  /** Told after each message whom it reached. */
  readonly heard?: ((by: Heard) => void) | undefined
  readonly log: Log
}

export interface OutboxOptions {
  /** Milliseconds that an event may wait for others to go with it. */
  readonly delayMs: number
}

export interface OutboxStats {
  /** Events that the broker took, whether or not somebody listened. */
  readonly sent: number
  /** Events that were given up because the broker did not take them in time. */
  readonly dropped: number
}

/** Events of one message: with this many it leaves at once, unless another is under way; then it grows. */
const ENOUGH = 200
const MOST_OF_MESSAGE = 1_000
/** Room for the events of one message: for 1,000 of the usual size. */
const LIST_BYTES = 512 * 1024
/** Events that wait for the broker at most, and their bytes, encoded. */
const MOST_WAITING = 10_000
const MOST_BYTES = 16_000_000
const [OPEN, CLOSE, COMMA, SPACE] = [0x5b, 0x5d, 0x2c, 0x20]
/** Milliseconds between two looks whether somebody listens meanwhile. */
const PROBE_MS = 1_000
/** Milliseconds until a message is tried again. */
const RETRY_MS = 1_000

export class Outbox {
  readonly #parts: OutboxParts
  readonly #delayMs: number
  /** What is being gathered: bytes, which the collector need not carry as it would texts put together of many pieces. */
  #list: Buffer | undefined
  #length = 0
  #count = 0
  /** Messages that wait, oldest first; the first may be under way. */
  readonly #waiting: EncodedEvents[] = []
  #events = 0
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  #isDeaf = false
  #probe: NodeJS.Timeout | undefined
  #pause: NodeJS.Timeout | undefined
  #sent = 0
  #dropped = 0

  constructor(parts: OutboxParts, { delayMs }: OutboxOptions) {
    this.#parts = parts
    this.#delayMs = delayMs
  }

  /** Nobody listened a moment ago: nothing need be put together. */
  get isDeaf(): boolean {
    return this.#isDeaf
  }

  /** @param event JSON text (ASCII) */
  add(event: string): void {
    if (this.#isDeaf) return
    this.#write(event)
    this.#count++
    if (this.#count >= (this.#sending === undefined ? ENOUGH : MOST_OF_MESSAGE)) this.#seal()
    else this.#timer ??= setTimeout(() => this.#due(), this.#delayMs)
  }

  /** Somebody is there now: what comes next is sent. */
  listen(): void {
    clearTimeout(this.#probe)
    this.#probe = undefined
    this.#isDeaf = false
  }

  /** Sends what waits, once; resolves when it is sent, or after `seconds` at the latest. Never rejects. */
  async flush(seconds: number): Promise<void> {
    this.#resume()
    this.#seal()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, seconds * 1000)
    })
    await Promise.race([this.#sending, late])
    clearTimeout(timer)
  }

  /** Ends the timers; what still waits is given up. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.listen()
    this.#resume()
    this.#dropped += this.#count
    this.#forget()
    while (this.#waiting.length > 0) this.#drop()
  }

  stats(): OutboxStats {
    return { sent: this.#sent, dropped: this.#dropped }
  }

  #write(event: string): void {
    const needed = event.length + 3 // `, ` before it, `]` after it
    if (this.#list === undefined || this.#length + needed > this.#list.length) {
      this.#seal()
      if (this.#list === undefined || needed >= this.#list.length) this.#list = Buffer.allocUnsafeSlow(Math.max(LIST_BYTES, needed + 1))
    }
    const list = this.#list
    if (this.#count === 0) list[this.#length++] = OPEN
    else {
      list[this.#length++] = COMMA
      list[this.#length++] = SPACE
    }
    this.#length += list.write(event, this.#length, 'latin1')
  }

  #due(): void {
    this.#timer = undefined
    this.#seal()
  }

  /** Makes a message of what was gathered, and sends it as soon as it is its turn. */
  #seal(): void {
    if (this.#count > 0 && this.#list !== undefined) {
      this.#list[this.#length++] = CLOSE
      const message = this.#parts.pack(this.#list.subarray(0, this.#length), this.#count)
      this.#forget()
      this.#waiting.push(message)
      this.#events += message.events
      this.#bytes += message.raw.length
      while (this.#waiting.length > 1 && (this.#events > MOST_WAITING || this.#bytes > MOST_BYTES)) this.#drop()
    }
    if (this.#waiting.length > 0 && this.#pause === undefined) this.#sending ??= this.#send()
  }

  #forget(): void {
    this.#length = 0
    this.#count = 0
  }

  /** The oldest is given up. One that is under way may have arrived all the same. */
  #drop(): void {
    this.#dropped += this.#take()?.events ?? 0
  }

  #take(): EncodedEvents | undefined {
    const message = this.#waiting.shift()
    if (message === undefined) return undefined
    this.#events -= message.events
    this.#bytes -= message.raw.length
    return message
  }

  async #send(): Promise<void> {
    for (let [message] = this.#waiting; message !== undefined; [message] = this.#waiting) {
      const heard = await this.#broadcast(message)
      if (heard === null) break
      this.#sent += message.events
      if (this.#waiting[0] === message) this.#take()
      else this.#dropped -= message.events // it was given up while it was under way
      this.#parts.heard?.(heard)
      if (heard.listeners === 0 && heard.readers === 0) this.#goDeaf()
      else if (this.#count >= ENOUGH) this.#seal()
    }
    this.#sending = undefined // in the same step as the last look at what waits
  }

  /** Null: it could not be sent, and is tried again later. */
  async #broadcast(message: EncodedEvents): Promise<Heard | null> {
    try {
      return await this.#parts.broadcast(message)
    } catch (error) {
      this.#parts.log.debug(`events wait for the broker: ${reason(error)}`, { events: this.#events })
      this.#pause = setTimeout(() => {
        this.#resume()
        this.#seal()
      }, RETRY_MS)
      this.#pause.unref()
      return null
    }
  }

  #resume(): void {
    clearTimeout(this.#pause)
    this.#pause = undefined
  }

  /** What has been gathered meanwhile is for nobody either. */
  #goDeaf(): void {
    this.#isDeaf = true
    this.#forget()
    while (this.#take() !== undefined);
    this.#probe = setTimeout(() => this.listen(), PROBE_MS)
    this.#probe.unref()
  }
}
