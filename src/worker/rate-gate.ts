/**
 * Rate limits: a slot is reserved at the broker, for all workers or for this one, and who must wait is parked there with the slot's time on
 * it. So a limited task never holds a slot here, and is parked at most twice.
 */
import type { Broker } from '../broker/broker.js'
import { withHeaders } from '../protocol/message.js'
import type { Request } from './request.js'

/** The header with the reserved moment, in broker milliseconds; a retry drops it. */
export const SLOT_HEADER = 'celerity_slot'

interface Parked {
  readonly request: Request
  readonly due: number
  readonly raw: Buffer
}

export class RateGate {
  readonly #broker: Broker
  readonly #node: string
  readonly #now: () => number

  constructor(broker: Broker, node: string, now: () => number) {
    this.#broker = broker
    this.#node = node
    this.#now = now
  }

  /** Whether the request needs a slot that it does not have yet. */
  applies({ definition, message }: Request): boolean {
    if (definition.policy.rateLimit === null) return false
    const slot = message.headers[SLOT_HEADER]
    return typeof slot !== 'number' || slot > this.#now()
  }

  async pass(limited: readonly Request[]): Promise<{ readonly run: readonly Request[]; readonly park: readonly Parked[] }> {
    const run: Request[] = []
    const park: Parked[] = []
    for (const [name, requests] of byTask(limited)) {
      const limit = requests[0]?.definition.policy.rateLimit
      if (!limit) continue
      const key = limit.scope === 'worker' ? `${name}@${this.#node}` : name
      const waits = await this.#broker.reserve(key, limit.intervalMs, requests.length)
      const now = this.#now()
      for (const [index, request] of requests.entries()) {
        const wait = waits[index] ?? 0
        if (wait <= 0) run.push(request)
        else park.push({ request, due: now + wait, raw: withHeaders(request.delivery.raw, { [SLOT_HEADER]: Math.floor(now + wait) }) })
      }
    }
    return { run, park }
  }
}

/** Whether it has been parked for its limit before. */
export function hasWaited({ message }: Request): boolean {
  return typeof message.headers[SLOT_HEADER] === 'number'
}

function byTask(requests: readonly Request[]): Map<string, Request[]> {
  const groups = new Map<string, Request[]>()
  for (const request of requests) {
    const group = groups.get(request.definition.name)
    if (group === undefined) groups.set(request.definition.name, [request])
    else group.push(request)
  }
  return groups
}
