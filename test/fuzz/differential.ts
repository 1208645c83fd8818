/** What Python's Celery accepts, we accept, and the call is the same; except where docs/protocol.md says that we are stricter. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { parseJson } from '../../src/protocol/json.js'
import { decodeMessage } from '../../src/protocol/message.js'
import { type Finding, found } from './decoder.js'
import type { Mutant } from './mutants.js'

type Answer =
  | { readonly ok: true; readonly id: unknown; readonly task: unknown; readonly args: string; readonly kwargs: string }
  | { readonly ok: false; readonly why: string }

export interface Compared {
  readonly asked: number
  /** Both read the same call. */
  readonly agreed: number
  readonly refusedByBoth: number
  /** We read a call where Python raises: nothing is lost by it. */
  readonly onlyOurs: number
  /** Python reads a call that we refuse on purpose: by the field that is the reason. */
  readonly stricter: Readonly<Record<string, number>>
  readonly findings: readonly Finding[]
}

export class Differential {
  readonly #python: string

  constructor(python: string) {
    this.#python = python
  }

  async compare(mutants: readonly Mutant[], progress: (done: number) => void = () => {}): Promise<Compared> {
    const script = fileURLToPath(new URL('python/judge.py', import.meta.url))
    const child = spawn(this.#python, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
    const write = async () => {
      for (const { raw } of mutants) {
        if (!child.stdin.write(`${raw.toString('base64')}\n`)) await new Promise((resolve) => child.stdin.once('drain', resolve))
      }
      child.stdin.end()
    }
    const writing = write()
    const tally = new Tally()
    for await (const line of createInterface(child.stdout)) {
      const mutant = mutants[tally.asked]
      if (mutant === undefined) break
      tally.add(mutant, JSON.parse(line) as Answer)
      if (tally.asked % 1000 === 0) progress(tally.asked)
    }
    await writing
    if (tally.asked !== mutants.length) throw new Error(`Python has answered ${tally.asked} of ${mutants.length}`)
    return tally.result()
  }
}

class Tally {
  asked = 0
  #agreed = 0
  #refused = 0
  #onlyOurs = 0
  readonly #stricter: Record<string, number> = {}
  readonly #findings: Finding[] = []

  add(mutant: Mutant, answer: Answer): void {
    this.asked++
    const ours = decodeMessage(mutant.raw)
    if (!answer.ok) {
      if (ours.ok) this.#onlyOurs++
      else this.#refused++
      return
    }
    if (!ours.ok) {
      const reason = `${ours.bad.code}: ${ours.bad.detail.replace(/:.*/s, '')}`
      this.#stricter[reason] = (this.#stricter[reason] ?? 0) + 1
      return
    }
    const { id, task, args, kwargs } = ours.message
    const same = id === answer.id && task === answer.task && equal(args, answer.args) && equal(kwargs, answer.kwargs)
    if (same) this.#agreed++
    else this.#findings.push(found(mutant, `another call than Python's: ${JSON.stringify(answer).slice(0, 500)}`))
  }

  result(): Compared {
    return {
      asked: this.asked,
      agreed: this.#agreed,
      refusedByBoth: this.#refused,
      onlyOurs: this.#onlyOurs,
      stricter: this.#stricter,
      findings: this.#findings,
    }
  }
}

/** Python's JSON read by the same reader: so numbers too large for a double, NaN, markers and refused keys become the same. */
function equal(value: unknown, python: string): boolean {
  return isDeepStrictEqual(unsigned(value), unsigned(parseJson(python)))
}

/** Python's whole numbers know no negative zero. */
function unsigned(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (Array.isArray(value)) return value.map(unsigned)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, unsigned(member)]))
}
