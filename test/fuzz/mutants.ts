/**
 * Messages that are nearly right: bytes of real ones cut, changed and mixed, and envelopes of which each field in turn is absent or odd. The
 * same seed makes the same mutants.
 */
import { seeded } from '../chaos/stage/seeded.js'
import { fixtureNames, messagesOf } from '../protocol/fixtures.js'
import { copyOf, define, LARGE, ODD, textOf } from './odd-values.js'

export interface Mutant {
  readonly raw: Buffer
  /** How it was made, for whoever has to understand a finding. */
  readonly how: string
}

export interface MutantOptions {
  readonly seed: number
  /** The task that is named in what is built here. */
  readonly task?: string
}

type Json = Record<string, unknown>

/** Absent: the field is taken out. */
const ABSENT = Symbol('absent')
const HEADERS = [
  ...['lang', 'task', 'id', 'shadow', 'eta', 'expires', 'group', 'group_index', 'retries', 'timelimit', 'root_id', 'parent_id', 'argsrepr'],
  ...['kwargsrepr', 'origin', 'ignore_result', 'replaced_task_nesting', 'stamped_headers', 'stamps', 'compression', 'redelivered'],
  ...['sent_from', 'celerity_slot', 'celerity_entry', 'mine', '__proto__', 'constructor'],
]
const PROPERTIES = ['correlation_id', 'reply_to', 'delivery_mode', 'delivery_info', 'priority', 'body_encoding', 'delivery_tag']
const STEP = ['task', 'args', 'kwargs', 'options', 'subtask_type', 'immutable', 'chord_size']
const PATHS: readonly (readonly string[])[] = [
  ...['body', 'content-encoding', 'content-type', 'headers', 'properties'].map((name) => [name]),
  ...HEADERS.map((name) => ['headers', name]),
  ...['0', '1', '2'].map((at) => ['headers', 'timelimit', at]),
  ...PROPERTIES.map((name) => ['properties', name]),
  ...['exchange', 'routing_key', 'redelivered', '__proto__'].map((name) => ['properties', 'delivery_info', name]),
  ...['0', '1', '2', '3'].map((at) => ['body', at]),
  ...['a', '__proto__', 'constructor'].map((name) => ['body', '1', name]),
  ...['0', '1'].map((at) => ['body', '0', at]),
  ...['callbacks', 'errbacks', 'chain', 'chord', '__proto__'].map((name) => ['body', '2', name]),
  ...['callbacks', 'errbacks', 'chain'].flatMap((name) => ['0', '1'].map((at) => ['body', '2', name, at])),
  ...['callbacks', 'errbacks', 'chain'].flatMap((name) => STEP.map((field) => ['body', '2', name, '0', field])),
  ...['task_id', 'queue', 'link', 'eta', 'countdown', 'priority'].map((field) => ['body', '2', 'callbacks', '0', 'options', field]),
  ...STEP.map((field) => ['body', '2', 'chord', field]),
]
const TOKENS = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  ':',
  '\\',
  '\\u0000',
  '\\ud800',
  'NaN',
  '1e999',
  '-',
  '__proto__',
  '//',
  '\0',
  '\xff\xfe',
  '\xef\xbb\xbf',
]

export class Mutants {
  readonly #random: () => number
  readonly #task: string
  readonly #fixtures = fixtureNames('')
    .flatMap((name) => messagesOf(name))
    .filter((raw) => raw.length < 20_000)
  #made = 0

  constructor({ seed, task = 'proj.add' }: MutantOptions) {
    this.#random = seeded(seed, 'mutants')
    this.#task = task
  }

  /** First every field with every odd value, one by one; then whatever comes. */
  next(): Mutant {
    const at = this.#made++
    const values: readonly unknown[] = [ABSENT, ...ODD, ...LARGE]
    if (at < PATHS.length * values.length) {
      const path = PATHS[Math.floor(at / values.length)] ?? []
      return this.#built([[path, values[at % values.length]]])
    }
    const kind = this.#random()
    if (kind < 0.35) return { raw: this.#changed(this.#fixture()), how: 'bytes of a real message' }
    if (kind < 0.5) return this.#changedBody()
    const first = this.#odd()
    return this.#built(kind < 0.65 ? [first] : [first, this.#odd()])
  }

  #odd(): readonly [readonly string[], unknown] {
    const path = this.#pick(PATHS)
    const draw = this.#random()
    if (draw < 0.1) return [path, ABSENT]
    return [path, draw < 0.1005 ? this.#pick(LARGE) : this.#pick(ODD)]
  }

  /** A whole message of our making, with all the fields there are, and then these changed. */
  #built(changes: readonly (readonly [readonly string[], unknown])[]): Mutant {
    const step = () => ({ task: 'proj.after', args: [1], kwargs: {}, options: { task_id: 'after' }, subtask_type: null, immutable: false })
    const embed = { callbacks: [step()], errbacks: null, chain: this.#made % 2 === 0 ? [step(), step()] : null, chord: null }
    const envelope: Json = {
      body: [[1, 'two'], { a: { b: null } }, embed],
      'content-encoding': 'utf-8',
      'content-type': 'application/json',
      headers: {
        lang: 'py',
        task: this.#task,
        id: `mutant-${this.#made}`,
        retries: 0,
        timelimit: [null, null],
        root_id: null,
        origin: 'gen',
      },
      properties: {
        correlation_id: `mutant-${this.#made}`,
        delivery_info: { exchange: '', routing_key: 'celery' },
        priority: 0,
        body_encoding: 'base64',
        delivery_tag: 'tag',
      },
    }
    for (const [path, value] of changes) put(envelope, path, value)
    const { body } = envelope
    if (typeof body === 'object' && body !== null) envelope['body'] = Buffer.from(textOf(body)).toString('base64')
    const how = changes.map(([path, value]) => `${path.join('.')} = ${value === ABSENT ? 'absent' : textOf(value).slice(0, 60)}`).join(', ')
    return { raw: Buffer.from(textOf(envelope)), how }
  }

  #changedBody(): Mutant {
    const envelope = safeParse(this.#fixture())
    const body = envelope?.['body']
    if (envelope === null || typeof body !== 'string') return { raw: this.#changed(this.#fixture()), how: 'bytes of a real message' }
    const changed = this.#changed(Buffer.from(body, 'base64'))
    if (this.#random() < 0.7) envelope['body'] = changed.toString('base64')
    else {
      envelope['body'] = changed.toString('utf8')
      envelope['properties'] = { ...(envelope['properties'] as Json), body_encoding: 'utf-8' }
    }
    return { raw: Buffer.from(JSON.stringify(envelope)), how: 'bytes of a real body' }
  }

  #changed(original: Buffer): Buffer {
    let raw: Buffer = Buffer.from(original)
    for (let change = Math.floor(this.#random() * 4); change >= 0; change--) raw = this.#change(raw)
    return raw
  }

  #change(raw: Buffer): Buffer {
    if (raw.length === 0) return raw
    const at = this.#below(raw.length)
    const to = Math.min(raw.length, at + 1 + this.#below(40))
    const around = (middle: Buffer) => Buffer.concat([raw.subarray(0, at), middle, raw.subarray(to)])
    switch (this.#below(7)) {
      case 0:
        raw[at] = this.#below(256)
        return raw
      case 1:
        raw[at] = (raw[at] ?? 0) ^ (1 << this.#below(8))
        return raw
      case 2:
        return around(Buffer.alloc(0))
      case 3:
        return Buffer.concat([raw.subarray(0, to), raw.subarray(at)])
      case 4:
        return Buffer.concat([raw.subarray(0, at), Buffer.from(this.#pick(TOKENS), 'latin1'), raw.subarray(at)])
      case 5: {
        const other = this.#fixture()
        const from = this.#below(other.length)
        return around(other.subarray(from, from + this.#below(60)))
      }
      default:
        return raw.subarray(0, at)
    }
  }

  #fixture(): Buffer {
    return this.#pick(this.#fixtures)
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
}

/** Makes the way there, whatever stands in it. */
function put(target: Json, path: readonly string[], value: unknown): void {
  let owner: Json = target
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(owner, key) ? owner[key] : undefined
    const made = typeof next === 'object' && next !== null ? next : {}
    if (made !== next) define(owner, key, made)
    owner = made as Json
  }
  const last = path.at(-1) ?? ''
  if (value === ABSENT) delete owner[last]
  else define(owner, last, copyOf(value))
}

function safeParse(raw: Buffer): Json | null {
  try {
    const value: unknown = JSON.parse(raw.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null
  } catch {
    return null
  }
}
