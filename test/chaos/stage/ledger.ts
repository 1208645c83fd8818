/**
 * The ledger: what really happened, told by those it happened to, in one append-only file. One line is one `write()`, so a line stands
 * whole or not at all and outlives SIGKILL; it needs no broker. Times are milliseconds of the machine's monotonic clock, which all
 * processes share.
 *
 *     A id t                accepted: the producer's call has returned      X id t error   the producer's call has failed
 *     S id attempt pid t    user code starts                                D id attempt pid t   user code has ended
 *     K fault pid t         a fault                                         U fault pid t  the fault is over
 *
 * Imported by the application under test too: Node's own modules only.
 */
import { existsSync, openSync, readSync, writeSync } from 'node:fs'

export type Line =
  | { readonly kind: 'A'; readonly id: string; readonly at: number }
  | { readonly kind: 'X'; readonly id: string; readonly at: number; readonly error: string }
  | { readonly kind: 'S' | 'D'; readonly id: string; readonly attempt: number; readonly pid: number; readonly at: number }
  | { readonly kind: 'K' | 'U'; readonly fault: Fault; readonly pid: number; readonly at: number }

/**
 * `starved`: the machine had no CPU for it. `stop`: told to end before its tasks could. `cut`: its connections are silent. `broker` and
 * `wires`: out of reach, or each connection ended; their `pid` is 0, since they hit every worker.
 */
export type Fault = 'kill' | 'freeze' | 'starved' | 'stop' | 'cut' | 'broker' | 'wires'

/** Bytes of an error that are kept: a line stays below what one `write()` puts down in one piece. */
const MAX_ERROR = 120

/** Milliseconds, the same in every process of this machine. */
export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

export class LedgerWriter {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  accepted(id: string): void {
    this.#write(`A ${id} ${monotonic()}`)
  }

  failed(id: string, error: unknown): void {
    this.#write(`X ${id} ${monotonic()} ${String(error).replace(/\s+/g, ' ').slice(0, MAX_ERROR)}`)
  }

  starts(id: string, attempt: number): void {
    this.#write(`S ${id} ${attempt} ${process.pid} ${monotonic()}`)
  }

  ends(id: string, attempt: number): void {
    this.#write(`D ${id} ${attempt} ${process.pid} ${monotonic()}`)
  }

  fault(fault: Fault, pid: number): void {
    this.#write(`K ${fault} ${pid} ${monotonic()}`)
  }

  over(fault: Fault, pid: number): void {
    this.#write(`U ${fault} ${pid} ${monotonic()}`)
  }

  #write(line: string): void {
    writeSync(this.#file, `${line}\n`)
  }
}

/** Reads on whenever it is asked. */
export class LedgerReader {
  readonly #path: string
  readonly #lines: Line[] = []
  readonly #running = new Map<number, Set<string>>()
  readonly #ended = new Set<string>()
  #file: number | undefined
  #offset = 0
  #rest = ''

  constructor(path: string) {
    this.#path = path
  }

  lines(): readonly Line[] {
    this.#readOn()
    return this.#lines
  }

  /** Ids whose user code runs in process `pid` now. */
  running(pid: number): ReadonlySet<string> {
    this.#readOn()
    return this.#running.get(pid) ?? new Set()
  }

  /** How many tasks have ended at least once. */
  get done(): number {
    this.#readOn()
    return this.#ended.size
  }

  hasEnded(id: string): boolean {
    this.#readOn()
    return this.#ended.has(id)
  }

  #readOn(): void {
    if (this.#file === undefined && !existsSync(this.#path)) return
    this.#file ??= openSync(this.#path, 'r')
    const buffer = Buffer.alloc(65_536)
    for (;;) {
      const count = readSync(this.#file, buffer, 0, buffer.length, this.#offset)
      if (count === 0) return
      this.#offset += count
      const texts = (this.#rest + buffer.toString('latin1', 0, count)).split('\n')
      this.#rest = texts.pop() ?? ''
      for (const text of texts) this.#note(parseLine(text))
    }
  }

  #note(line: Line): void {
    this.#lines.push(line)
    if (line.kind === 'D') {
      this.#running.get(line.pid)?.delete(line.id)
      this.#ended.add(line.id)
    } else if (line.kind === 'S') {
      const running = this.#running.get(line.pid)
      if (running === undefined) this.#running.set(line.pid, new Set([line.id]))
      else running.add(line.id)
    } else if (line.kind === 'K' && line.fault === 'kill') this.#running.delete(line.pid)
  }
}

/** @throws Error for a line that nobody could have written */
export function parseLine(text: string): Line {
  const [kind = '', first = '', second = '', third = '', fourth = ''] = text.split(' ')
  switch (kind) {
    case 'A':
      return { kind, id: first, at: Number(second) }
    case 'X':
      return { kind, id: first, at: Number(second), error: text.split(' ').slice(3).join(' ') }
    case 'S':
    case 'D':
      return { kind, id: first, attempt: Number(second), pid: Number(third), at: Number(fourth) }
    case 'K':
    case 'U':
      return { kind, fault: first as Fault, pid: Number(second), at: Number(third) }
    default:
      throw new Error(`not a line of the ledger: ${JSON.stringify(text)}`)
  }
}
