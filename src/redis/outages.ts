/** Says that a server is away, and that it is back: one line a minute for all connections of a process that notice it. */
import type { Log } from '../log.js'

const SILENCE_MS = 60_000

interface Outage {
  readonly since: number
  readonly said: number
  readonly isOver: boolean
}

export class Outages {
  readonly #now: () => number
  readonly #servers = new Map<string, Outage>()
  readonly #remarks = new Set<string>()

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** @param server as it is shown, without secrets */
  away(log: Log, server: string, why: string): void {
    const now = this.#now()
    const known = this.#servers.get(server)
    if (known !== undefined && now - known.said < SILENCE_MS) return
    const since = known === undefined || known.isOver ? now : known.since
    this.#servers.set(server, { since, said: now, isOver: false })
    const minutes = Math.round((now - since) / 60_000)
    log.warning(`${server} does not serve: ${why}; trying again${minutes > 0 ? `, since ${minutes} min` : ''}`)
  }

  /** What is to be said once for all connections. */
  remark(log: Log, text: string): void {
    if (this.#remarks.has(text)) return
    this.#remarks.add(text)
    log.warning(text)
  }

  /** A connection serves. */
  back(log: Log, server: string): void {
    const known = this.#servers.get(server)
    if (known === undefined || known.isOver) return
    this.#servers.set(server, { ...known, isOver: true })
    log.info(`${server} serves again, after ${((this.#now() - known.since) / 1000).toFixed(1)} s`)
  }
}
