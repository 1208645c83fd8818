/** Calls of all kinds, in a mixture that the seed decides, and what may come of each. */
import type { Call } from '../peers/peer.js'
import type { Final } from './invariants.js'
import { type Line, monotonic } from './ledger.js'

/** Of what is revoked: seconds until it would start. */
const LATER = 4
/** Seconds that a start may be late, or early, by what the ledger takes. */
const SLACK = 1

interface Kind {
  readonly name: string
  /** How often, beside the others. */
  readonly share: number
  /** What else than SUCCESS it may end with: the state, and the type of the error. */
  readonly may?: readonly string[]
  readonly never?: 'SUCCESS'
  make(id: string, random: () => number): Omit<Call, 'id'>
}

const LOST = 'FAILURE WorkerLostError'
const REVOKED = 'REVOKED TaskRevokedError'

const KINDS: readonly Kind[] = [
  { name: 'none', share: 20, make: () => ({ task: 'system.sleep', args: [0] }) },
  { name: 'short', share: 40, make: () => ({ task: 'system.sleep', args: [50] }) },
  { name: 'long', share: 5, make: () => ({ task: 'system.sleep', args: [2_000] }) },
  { name: 'first', share: 5, make: (_id, random) => ({ task: 'system.sleep', args: [30], priority: Math.floor(10 * random()) }) },
  { name: 'large', share: 3, make: (_id, random) => ({ task: 'system.carry', args: [30, 'x'.repeat(10 ** (3 + 2.5 * random()))] }) },
  { name: 'retried', share: 6, make: (_id, random) => ({ task: 'system.retry', args: [30, 1 + Math.floor(3 * random())] }) },
  { name: 'linked', share: 5, make: (id) => ({ task: 'system.sleep', args: [30], link: `${id}-after` }) },
  { name: 'chained', share: 3, make: (id) => ({ task: 'system.retry', args: [10, 1], chain: [1, 2, 3].map((at) => `${id}-after${at}`) }) },
  { name: 'later', share: 5, make: (_id, random) => ({ task: 'system.sleep', args: [30], countdown: 4 * random() }) },
  { name: 'limited', share: 4, make: () => ({ task: 'system.limited', args: [] }) },
  { name: 'once', share: 6, may: [LOST], make: (_id, random) => ({ task: 'system.once', args: [400 * random()] }) },
  {
    name: 'expiring',
    share: 4,
    may: [REVOKED],
    make: (_id, random) => ({ task: 'system.sleep', args: [30], expires: 0.2 + 3 * random() }),
  },
  { name: 'revoked', share: 3, may: [REVOKED], make: () => ({ task: 'system.sleep', args: [30], countdown: LATER }) },
  { name: 'block', share: 0.7, make: (_id, random) => ({ task: 'system.block', args: [500 + 4_000 * random()] }) },
  { name: 'exit', share: 0.15, may: [LOST], never: 'SUCCESS', make: () => ({ task: 'system.exit', args: [] }) },
  { name: 'abort', share: 0.15, may: [LOST], never: 'SUCCESS', make: () => ({ task: 'system.abort', args: [] }) },
  { name: 'kill', share: 0.15, may: [LOST], never: 'SUCCESS', make: () => ({ task: 'system.kill', args: [] }) },
  {
    name: 'endless',
    share: 0.15,
    may: [LOST, 'FAILURE TimeLimitExceeded'],
    never: 'SUCCESS',
    make: () => ({ task: 'system.endless', args: [] }),
  },
]

/** The ends of a process in which a task of that kind ran. */
export const ENDS: Readonly<Record<string, string>> = { exit: '70', abort: 'SIGABRT', kill: 'SIGKILL', endless: '70' }

const KINDS_BY_NAME = new Map(KINDS.map((kind) => [kind.name, kind]))

interface Made {
  readonly call: Call
  /** Milliseconds of the ledger's clock. */
  readonly at: number
}

export class Medley {
  readonly #random: () => number
  readonly #made = new Map<string, Made>()
  readonly #after = new Map<string, readonly string[]>()
  /** When they had been revoked, milliseconds of the ledger's clock; infinite where that failed. */
  readonly #revoked = new Map<string, number>()

  constructor(random: () => number) {
    this.#random = random
  }

  /** @param name unlike all before */
  next(name: string): Call {
    const kind = pick(KINDS, this.#random)
    const id = `${kind.name}-${name}`
    const call: Call = { id, ...kind.make(id, this.#random) }
    this.#made.set(id, { call, at: monotonic() })
    const chain = [id, ...(call.link === undefined ? [] : [call.link]), ...(call.chain ?? [])]
    for (const [at, each] of chain.entries()) this.#after.set(each, chain.slice(at + 1))
    return call
  }

  /** Ids of those to be revoked, each once. `revoke` does it. */
  async revoke(accepted: readonly string[], revoke: (ids: readonly string[]) => Promise<void>): Promise<void> {
    const ids = accepted.filter((id) => kindOf(id).name === 'revoked' && !this.#revoked.has(id))
    if (ids.length === 0) return
    for (const id of ids) this.#revoked.set(id, Number.POSITIVE_INFINITY)
    await revoke(ids)
    for (const id of ids) this.#revoked.set(id, monotonic())
  }

  /** The tasks that are sent when this one has succeeded, each when the one before it has. */
  after(id: string): readonly string[] {
    return this.#after.get(id) ?? []
  }

  /** Whether it may end so. */
  allows(id: string, { state, error }: Final, ledger: Histories): boolean {
    const kind = kindOf(id)
    if (state === 'SUCCESS') return kind.never !== 'SUCCESS' && !this.#isRevoked(id)
    const end = `${state} ${error}`
    // Lost three times from outside, the last time alone: nobody can tell that from poison.
    return kind.may?.includes(end) === true || (end === LOST && ledger.deaths(id) >= 3)
  }

  /** Starts that should not have been, or not then; a line each. */
  untimely(ledger: Histories): readonly string[] {
    return [...this.#made].flatMap(([id, { call, at }]) => {
      const due = at + (call.countdown ?? 0) * 1000
      const over = call.expires === undefined ? Number.POSITIVE_INFINITY : (ledger.accepted(id) ?? at) + (call.expires + SLACK) * 1000
      return ledger.starts(id).flatMap((start) => {
        if (this.#isRevoked(id)) return `${id} was revoked, and started`
        if (start < due - SLACK * 100) return `${id} started ${Math.round(due - start)} ms before its time`
        return start > over ? `${id} started ${Math.round(start - over)} ms after it had expired` : []
      })
    })
  }

  /** In time. */
  #isRevoked(id: string): boolean {
    const made = this.#made.get(id)
    return made !== undefined && (this.#revoked.get(id) ?? Number.POSITIVE_INFINITY) < made.at + (LATER - SLACK) * 1000
  }
}

export function kindOf(id: string): Kind {
  const kind = KINDS_BY_NAME.get(id.slice(0, id.indexOf('-')))
  if (kind === undefined) throw new Error(`${id} is of no kind`)
  return kind
}

/** What the ledger tells of each task, and of each process. */
export class Histories {
  readonly #starts = new Map<string, { readonly at: number; readonly pid: number }[]>()
  readonly #open = new Map<number, Set<string>>()
  readonly #accepted = new Map<string, number>()
  readonly #deaths = new Map<number, number>()

  constructor(lines: readonly Line[]) {
    for (const line of lines) {
      if (line.kind === 'S') this.#note(line)
      else if (line.kind === 'D') this.#open.get(line.pid)?.delete(line.id)
      else if (line.kind === 'A') this.#accepted.set(line.id, line.at)
      else if (line.kind === 'K' && (line.fault === 'kill' || line.fault === 'stop')) this.#deaths.set(line.pid, line.at)
    }
  }

  #note(start: { readonly id: string; readonly pid: number; readonly at: number }): void {
    const { id, pid } = start
    this.#starts.set(id, [...(this.#starts.get(id) ?? []), start])
    this.#open.set(pid, (this.#open.get(pid) ?? new Set()).add(id))
  }

  /** Ids of what ran in a process and did not come to its end there. */
  open(pid: number): readonly string[] {
    return [...(this.#open.get(pid) ?? [])]
  }

  accepted(id: string): number | undefined {
    return this.#accepted.get(id)
  }

  /** Milliseconds of the ledger's clock, each. */
  starts(id: string): readonly number[] {
    return (this.#starts.get(id) ?? []).map(({ at }) => at)
  }

  /** How many of the processes that it started in were killed or told to end at once. */
  deaths(id: string): number {
    return (this.#starts.get(id) ?? []).filter(({ pid }) => this.#deaths.has(pid)).length
  }
}

/** One of these, by their shares. */
export function pick<T extends { readonly share: number }>(of: readonly T[], random: () => number): T {
  const at = random() * of.reduce((sum, { share }) => sum + share, 0)
  let passed = 0
  const found = of.find(({ share }) => {
    passed += share
    return at < passed
  })
  if (found === undefined) throw new Error('nothing to pick from')
  return found
}
