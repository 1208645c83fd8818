/** Answers for a main thread whose event loop is blocked, from what it left behind: the board, its last answers, and the broker. */
import type { Broker } from '../../broker/broker.js'
import { isStampMark, REVOCATION_TTL } from '../../control/revocation.js'
import type { ControlRequest } from '../../protocol/control.js'
import { INSPECT_METHODS } from '../../protocol/control-methods.js'
import { isObject } from '../../protocol/fields.js'
import { parseJson } from '../../protocol/json.js'
import type { Lamport } from '../../protocol/lamport.js'
import { repr } from '../../protocol/python-repr.js'
import { isTaskId } from '../../protocol/task-id.js'
import { messageInfo } from '../request-info.js'
import type { Board } from './board.js'
import { culprit } from './culprit.js'
import { type ActiveMessage, HeldMessages } from './held.js'
import { type Answer, failure, type KnownState, reply } from './main-thread.js'

export interface StandInParts {
  readonly broker: Broker
  readonly board: Board
  readonly lamport: Lamport
  /** Sends a heartbeat. */
  beat(): Promise<void>
}

export interface StandInOptions {
  readonly incarnation: string
  readonly node: string
}

type Arguments = ControlRequest['arguments']
type Info = Readonly<Record<string, unknown>>

export class StandIn {
  readonly #parts: StandInParts
  readonly #options: StandInOptions
  readonly #held: HeldMessages
  readonly #answers: Readonly<Record<string, (args: Arguments) => unknown>>
  #known: KnownState = { answers: {}, queues: [] }
  #knownAt = 0

  constructor(parts: StandInParts, options: StandInOptions) {
    this.#parts = parts
    this.#options = options
    this.#held = new HeldMessages(parts.broker, parts.board, options.incarnation)
    const active = (args: Arguments) => this.#active(args['safe'] === true)
    const reserved = () => this.#reserved()
    const revoked = () => this.#revoked()
    this.#answers = {
      ping: () => ({ ok: 'pong' }),
      clock: () => ({ clock: parts.lamport.now() }),
      active,
      dump_active: active,
      reserved,
      dump_reserved: reserved,
      query_task: (args) => this.#queryTask(args),
      stats: () => this.#stats(),
      revoked,
      dump_revoked: revoked,
      hello: (args) => this.#hello(args),
      heartbeat: () => parts.beat().then(() => null),
    }
  }

  know(state: KnownState): void {
    this.#known = state
    this.#knownAt = performance.now()
  }

  /** Never rejects. What only the main thread can do is answered with who holds it up. */
  async answer(method: string, args: Arguments): Promise<Answer> {
    try {
      const answer = this.#answers[method] // of `CONTROL_METHODS`, hence no name that every object has
      if (answer !== undefined) return reply(await answer(args))
      const json = this.#known.answers[ALIASES.get(method) ?? method]
      if (json !== undefined) return { kind: 'reply', json }
      if (method === 'revoke' || method === 'terminate') return await this.#revoke(method, args)
      return this.#later(method)
    } catch {
      return this.#later(method) // the broker did not answer, who would also have to take the reply
    }
  }

  #later(method: string, done = ''): Answer {
    const then = INSPECT_METHODS.has(method) ? 'ask again when it turns' : `${done}this is carried out when it turns again`
    return failure(`${culprit(this.#parts.board)}; ${then}`)
  }

  async #active(safe: boolean): Promise<Info[]> {
    const { active } = await this.#held.read()
    return active.map((one) => this.#activeInfo(one, safe))
  }

  #activeInfo({ running, message }: ActiveMessage, safe: boolean): Info {
    const { node } = this.#options
    const { id, name, since } = running
    const runs = { time_start: since / 1000, worker_pid: process.pid }
    if (message !== null) return { ...messageInfo(message, { node, safe }), ...runs }
    // What the board says is all that is left.
    const unknown = { exchange: null, routing_key: null, priority: null, redelivered: null }
    return { id, name, args: null, kwargs: null, type: name, hostname: node, acknowledged: null, delivery_info: unknown, ...runs }
  }

  async #reserved(): Promise<Info[]> {
    const { reserved } = await this.#held.read()
    return reserved.map((message) => ({ ...messageInfo(message, { node: this.#options.node, safe: false }) }))
  }

  async #queryTask(args: Arguments): Promise<Record<string, readonly [string, Info]>> {
    const wanted = new Set(idsOf(args['ids']))
    const { active } = await this.#held.read()
    const found = active.filter(({ running }) => wanted.has(running.id)).map((one) => ['active', this.#activeInfo(one, false)] as const)
    const waiting = (await this.#reserved()).filter(({ id }) => wanted.has(String(id))).map((info) => ['reserved', info] as const)
    return Object.fromEntries([...found, ...waiting].map((entry) => [String(entry[1]['id']), entry]))
  }

  #stats(): Info {
    const { board, lamport } = this.#parts
    const last = this.#known.answers['stats']
    const known = last === undefined ? {} : (parseJson(last) as Info)
    const { uptime, celerity } = known
    return {
      ...known,
      pid: process.pid,
      clock: String(lamport.now()),
      uptime: typeof uptime === 'number' ? uptime + Math.round((performance.now() - this.#knownAt) / 1000) : 0,
      celerity: { ...(isObject(celerity) ? celerity : {}), ...board.stats() },
    }
  }

  async #revoked(): Promise<string[]> {
    return [...(await this.#parts.broker.revoked())].filter((mark) => !isStampMark(mark))
  }

  #hello(args: Arguments): Info | null {
    return args['from_node'] === this.#options.node ? null : { revoked: {}, clock: this.#parts.lamport.now() }
  }

  /** What has not begun is stopped by the record at the broker; what runs, when the loop turns. */
  async #revoke(method: string, args: Arguments): Promise<Answer> {
    const ids = idsOf(args['task_id'])
    if (ids.length === 0) return this.#later(method)
    await this.#parts.broker.revoke(ids, REVOCATION_TTL)
    if (method === 'terminate' || args['terminate'] === true) return this.#later(method, 'the tasks are flagged as revoked; ')
    return reply({ ok: `tasks {${ids.map(repr).join(', ')}} flagged as revoked` })
  }
}

/** Celery's other names of what the main thread left answers to. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['dump_tasks', 'registered'],
  ['dump_conf', 'conf'],
  ['dump_schedule', 'scheduled'],
])

function idsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter(isTaskId)
}
