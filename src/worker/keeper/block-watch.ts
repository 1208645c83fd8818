/**
 * Looks whether the event loop turns. While it does not: says so, with who holds it up, and ends what does so beyond its time. JavaScript can't
 * be ended from outside; its process can.
 */
import { reason } from '../../errors.js'
import type { Board } from './board.js'
import { culprit } from './culprit.js'
import type { MainThread } from './main-thread.js'
import { type Blockage, isOverrun, type Verdict, verdictOn } from './overrun.js'
import type { Sighting } from './probe.js'
import { rest } from './rest.js'

export interface BlockWatchParts {
  readonly board: Board
  readonly main: MainThread
  /** See `sight`. */
  sight(): Promise<Sighting | null>
  /**
   * Carries a verdict out. Resolves when it could not be (the loop turns after all); does not when the process has ended by it.
   * Rejects when the broker can't be told: it is tried again.
   */
  execute(verdict: Verdict, sighting: Sighting | null, isStillBlocked: () => boolean): Promise<void>
}

/** Milliseconds between two looks: at a loop that turns, and at one that does not. */
const LOOK_MS = 500
const CLOSE_LOOK_MS = 100
/** Between two looks no more is believed to have passed: the process may have been stopped, or the machine have slept. */
const BELIEVED_MS = 2 * LOOK_MS
/** For how long it must have been seen not to turn before anything is done. */
const SURE_MS = 500
/** Between two questions to the main thread, and two tries to carry a verdict out. */
const AGAIN_MS = 1_000
/** From here a blocked event loop is worth a line, one a minute. */
const LONG_BLOCK_MS = 10_000
const COMPLAINT_MS = 60_000

export class BlockWatch {
  readonly #parts: BlockWatchParts
  readonly #limitMs: number
  #ticks = -1
  #lookedAt = 0
  /** Milliseconds for which the same tick was seen to be the last. */
  #seenMs = 0
  #complainedAt = Number.NEGATIVE_INFINITY
  #judgedAt = Number.NEGATIVE_INFINITY
  #isTroubled = false

  /** @param blockedLimit seconds that a task without a limit of its own may block; 0: for ever */
  constructor(parts: BlockWatchParts, blockedLimit: number) {
    this.#parts = parts
    this.#limitMs = blockedLimit * 1000
  }

  /** Until `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look(performance.now())
      await rest(this.#seenMs > 0 || this.#parts.board.blockedMs > 0 ? CLOSE_LOOK_MS : LOOK_MS, signal)
    }
  }

  /** @param now milliseconds on a clock that never jumps */
  async look(now: number): Promise<void> {
    const { board } = this.#parts
    const { ticks, blockedMs } = board
    if (ticks !== this.#ticks || blockedMs === 0) {
      this.#ticks = ticks
      this.#lookedAt = now
      this.#seenMs = 0
      return
    }
    this.#seenMs += Math.min(now - this.#lookedAt, BELIEVED_MS)
    this.#lookedAt = now
    if (this.#seenMs < SURE_MS) return
    // What passed before the first look has passed for certain only as far as a loop that turns would have shown.
    const blockage: Blockage = {
      running: board.started(),
      entered: board.entered,
      blockedMs: Math.min(blockedMs, this.#seenMs + BELIEVED_MS),
    }
    if (blockage.blockedMs > LONG_BLOCK_MS && now - this.#complainedAt > COMPLAINT_MS) {
      this.#complainedAt = now
      await this.#complain()
    }
    if (now - this.#judgedAt > AGAIN_MS && isOverrun(blockage, this.#limitMs)) {
      this.#judgedAt = now
      await this.#judge(blockage)
    }
  }

  async #complain(): Promise<void> {
    const { board, main, sight } = this.#parts
    const sighting = await sight()
    const where = sighting === null ? '' : placeIn(sighting.stack)
    main.say('blocked', `${culprit(board, sighting)}${where}; the lease is renewed all the same, but nothing else runs here`)
  }

  async #judge(blockage: Blockage): Promise<void> {
    const { board, main, sight, execute } = this.#parts
    const { ticks } = board
    const isStillBlocked = () => board.ticks === ticks
    const sighting = await sight()
    const verdict = verdictOn(blockage, this.#limitMs, sighting)
    if (verdict === null || !isStillBlocked()) return
    try {
      await execute(verdict, sighting, isStillBlocked)
      this.#isTroubled = false
    } catch (error) {
      if (!this.#isTroubled) main.say('blocked', `${culprit(board, sighting)}; it can't be ended yet: ${reason(error)}`)
      this.#isTroubled = true
    }
  }
}

/** ` at resize (/app/image.js:4:9)`: the innermost frame that is not Node's own. */
function placeIn(stack: string): string {
  const frame = stack.split('\n').find((line) => !/\((node:|<anonymous>|native)/.test(line) && !line.includes(' node:'))
  return frame === undefined ? '' : `, ${frame.trim()}`
}
