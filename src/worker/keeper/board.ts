/**
 * What the worker tells its keeper without a message, through shared memory: a thread whose event loop is blocked can answer nothing, but
 * what it wrote before can be read. Counters, and per slot what runs there, for how long it may, and whether it has yet let go of the loop.
 */
import type { StartedPosition } from '../../broker/broker.js'

/** Bytes of the counters, before the slots. */
const HEAD = 64
/** In 32-bit words of the head. */
const TICKS = 0
const CONCURRENCY = 1
const IGNORED = 2
/** The slot whose handler was called and has not yet let go of the event loop, plus 1; 0: none. */
const ENTERED = 3
/** In 64-bit floats of the head. */
const PROCESSED = 2
const TICKED_AT = 3

/**
 * Bytes of a slot: version (4, odd while something runs), position (4), start (8), the same on the shared clock (8), time limit (8; 0: none),
 * size of the lane (4), lengths of lane, id and name (3), then these three texts one after the other.
 */
const SLOT = 256
const POSITION_AT = 4
const STARTED_AT = 8
const CALLED_AT = 16
const LIMIT_AT = 24
const SIZE_AT = 32
const LENGTHS_AT = 36
const TEXT_AT = 39
const MAX_TEXT = SLOT - TEXT_AT
const MAX_LANE = 128

/** How often the main thread notes that its loop turns, in milliseconds, and from when on it counts as blocked. */
export const TICK_MS = 500
const BLOCKED_MS = 2 * TICK_MS

/** More running tasks than this at least can be shown, however few the worker starts with: its pool may grow. */
const LEAST_SLOTS = 64

export interface OnBoard extends StartedPosition {
  readonly id: string
  /** Cut when it is long. */
  readonly name: string
  /** Unix milliseconds. */
  readonly since: number
  /** `Lane.size`. */
  readonly size: number
  /** How many milliseconds the handler may take; null: as many as it likes, or it has not been called. */
  readonly limitMs: number | null
  /** For how many it has taken more, by a clock that never jumps; below 0: not yet; 0 without a limit. */
  readonly overdueMs: number
}

export class Board {
  readonly buffer: SharedArrayBuffer
  readonly #bytes: Buffer
  readonly #words: Int32Array
  readonly #floats: Float64Array
  readonly #free: number[] = []

  /** @param of how many tasks may run at once, or the memory of a board of another thread */
  constructor(of: number | SharedArrayBuffer) {
    const slots = typeof of === 'number' ? Math.max(2 * of, LEAST_SLOTS) : 0
    this.buffer = typeof of === 'number' ? new SharedArrayBuffer(HEAD + slots * SLOT) : of
    this.#bytes = Buffer.from(this.buffer)
    this.#words = new Int32Array(this.buffer)
    this.#floats = new Float64Array(this.buffer)
    for (let slot = slots - 1; slot >= 0; slot--) this.#free.push(slot)
    if (typeof of !== 'number') return
    this.concurrency = of
    this.tick()
  }

  /**
   * Notes that a message runs; returns its slot, -1 when the board is full or the lane's name too long (it is then only not shown, and not
   * suspected).
   *
   * @param since unix milliseconds
   * @param size  `Lane.size`
   */
  start(lane: string, position: number, id: string, name: string, since: number, size = 1): number {
    const slot = lane.length <= MAX_LANE ? this.#free.pop() : undefined
    if (slot === undefined) return -1
    const at = HEAD + slot * SLOT
    const bytes = this.#bytes
    // One write of all three: three of them cost three times as much (0.1 µs each).
    bytes.write(lane + id + name, at + TEXT_AT, MAX_TEXT, 'latin1')
    bytes[at + LENGTHS_AT] = lane.length
    bytes[at + LENGTHS_AT + 1] = id.length
    bytes[at + LENGTHS_AT + 2] = Math.min(name.length, MAX_TEXT)
    this.#words[(at + POSITION_AT) >> 2] = position
    this.#floats[(at + STARTED_AT) >> 3] = since
    this.#floats[(at + LIMIT_AT) >> 3] = 0
    this.#words[(at + SIZE_AT) >> 2] = size
    Atomics.add(this.#words, at >> 2, 1) // odd: it can be read
    return slot
  }

  /**
   * The handler of what runs in `slot` is about to be called: until `left`, it has the event loop for itself.
   *
   * @param limit seconds it may take; null: as many as it likes
   */
  enter(slot: number, limit: number | null): void {
    this.#words[ENTERED] = slot + 1
    if (limit === null || slot < 0) return
    const at = HEAD + slot * SLOT
    this.#floats[(at + CALLED_AT) >> 3] = sharedNow()
    this.#floats[(at + LIMIT_AT) >> 3] = limit * 1000
  }

  /** It has let go of the loop, for the first time or for good. */
  left(): void {
    this.#words[ENTERED] = 0
  }

  end(slot: number): void {
    if (slot < 0) return
    Atomics.add(this.#words, (HEAD + slot * SLOT) >> 2, 1)
    this.#free.push(slot)
  }

  /** What runs, oldest first; read by the keeper while the worker may be writing, so it may be of a moment ago. */
  started(): OnBoard[] {
    const started: OnBoard[] = []
    for (let at = HEAD; at < this.#bytes.length; at += SLOT) {
      const version = Atomics.load(this.#words, at >> 2)
      if (version % 2 === 0) continue
      const entry = this.#read(at)
      if (Atomics.load(this.#words, at >> 2) === version) started.push(entry) // else it has just ended
    }
    return started.sort((a, b) => a.since - b.since)
  }

  /** The one that has held the event loop ever since it was called; undefined when every handler has let go of it once. */
  get entered(): OnBoard | undefined {
    const slot = Atomics.load(this.#words, ENTERED) - 1
    const at = HEAD + slot * SLOT
    return slot >= 0 && Atomics.load(this.#words, at >> 2) % 2 !== 0 ? this.#read(at) : undefined
  }

  #read(at: number): OnBoard {
    const bytes = this.#bytes
    const lane = at + TEXT_AT
    const id = lane + (bytes[at + LENGTHS_AT] as number)
    const name = Math.min(id + (bytes[at + LENGTHS_AT + 1] as number), at + SLOT)
    const end = Math.min(name + (bytes[at + LENGTHS_AT + 2] as number), at + SLOT)
    const limit = this.#floats[(at + LIMIT_AT) >> 3] as number
    return {
      lane: bytes.toString('latin1', lane, id),
      position: this.#words[(at + POSITION_AT) >> 2] as number,
      id: bytes.toString('latin1', id, name),
      name: bytes.toString('latin1', name, end),
      since: this.#floats[(at + STARTED_AT) >> 3] as number,
      size: this.#words[(at + SIZE_AT) >> 2] as number,
      limitMs: limit === 0 ? null : limit,
      overdueMs: limit === 0 ? 0 : sharedNow() - (this.#floats[(at + CALLED_AT) >> 3] as number) - limit,
    }
  }

  /** How many run now. */
  get active(): number {
    let active = 0
    for (let at = HEAD; at < this.#bytes.length; at += SLOT) active += Atomics.load(this.#words, at >> 2) & 1
    return active
  }

  /** Runs that ended. */
  get processed(): number {
    return this.#floats[PROCESSED] as number
  }

  set processed(count: number) {
    this.#floats[PROCESSED] = count
  }

  get concurrency(): number {
    return Atomics.load(this.#words, CONCURRENCY)
  }

  set concurrency(count: number) {
    Atomics.store(this.#words, CONCURRENCY, count)
  }

  /** Control messages that nobody could read, that ask for what does not exist, or that came too fast: counted by the keeper. */
  get ignored(): number {
    return Atomics.load(this.#words, IGNORED)
  }

  ignore(): void {
    Atomics.add(this.#words, IGNORED, 1)
  }

  /** The main thread's event loop turns. */
  tick(): void {
    Atomics.add(this.#words, TICKS, 1)
    this.#floats[TICKED_AT] = sharedNow()
  }

  /** How often it has turned. */
  get ticks(): number {
    return Atomics.load(this.#words, TICKS)
  }

  /** Milliseconds for which it has not turned; 0 when it turned within the last second. */
  get blockedMs(): number {
    const since = sharedNow() - (this.#floats[TICKED_AT] as number)
    return since < BLOCKED_MS ? 0 : since
  }

  /** What `stats` says beyond Celery's fields, under `celerity`. */
  stats(): { readonly blocked_seconds: number; readonly ignored_requests: number } {
    return { blocked_seconds: Math.round(this.blockedMs) / 1000, ignored_requests: this.ignored }
  }
}

/** Whether what is on the board as `shown` is the task `id`: a board has a byte for each character, and cuts ids that are very long. */
export function isShownAs(shown: string, id: string): boolean {
  const written = Buffer.from(id, 'latin1').toString('latin1')
  return shown === written || (shown.length >= MAX_TEXT - MAX_LANE && written.startsWith(shown))
}

/** Milliseconds on a clock that never jumps and that all threads share; `performance.now()` starts with each thread. */
function sharedNow(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}
