/** One line that is written over itself, on a terminal; anywhere else nothing moves, and only what is final is written. */
import { safe } from './safe.js'

export interface LineStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const CLEAR = '\r\x1b[K'

export class ProgressLine {
  readonly #stream: LineStream
  readonly #now: () => number
  readonly #intervalMs: number
  #shown = false
  #last = Number.NEGATIVE_INFINITY

  /** @param intervalMs least time between two updates: more often nobody can read */
  constructor(stream: LineStream, now: () => number, intervalMs = 100) {
    this.#stream = stream
    this.#now = now
    this.#intervalMs = intervalMs
  }

  /** Shows `text` in place of what the line showed; too soon after the last time, or off a terminal, it does nothing. */
  update(text: string): void {
    const now = this.#now()
    if (this.#stream.isTTY !== true || now - this.#last < this.#intervalMs) return
    this.#last = now
    this.#shown = true
    this.#stream.write(CLEAR + cut(safe(text), (this.#stream.columns ?? 80) - 1))
  }

  /** Writes a line of its own, above the moving one. */
  print(text: string): void {
    this.clear()
    this.#stream.write(`${safe(text)}\n`)
    this.#last = Number.NEGATIVE_INFINITY
  }

  /** Takes the moving line away. */
  clear(): void {
    if (this.#shown) this.#stream.write(CLEAR)
    this.#shown = false
  }
}

/** `done` of `total` as a bar of `width` characters: `[=====>    ]  50%`. */
export function bar(done: number, total: number, width = 20): string {
  const share = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0
  const filled = Math.floor(share * width)
  const head = filled > 0 && filled < width ? '>' : ''
  const body = '='.repeat(filled - head.length) + head
  return `[${body.padEnd(width)}] ${String(Math.floor(share * 100)).padStart(3)}%`
}

const cut = (text: string, width: number) => (text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text)
