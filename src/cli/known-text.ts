/** What is known of workers that do not answer, for people and as JSON. */
import type { KnownNode } from '../control/known-workers.js'
import type { Paint } from '../terminal/colour.js'
import { safe } from '../terminal/safe.js'
import { spanText } from '../terminal/time.js'
import { bodyText, indented, nodeLine } from './reply-text.js'

/** One entry of `known`: from its last word at the broker, as old as `age` says. */
export interface KnownDocument {
  /** Its lease has not run out. */
  readonly alive: boolean
  /** Seconds since its last word; null: it has left none, and what follows from it is null too. */
  readonly age: number | null
  readonly queues: readonly string[]
  readonly pid: number | null
  readonly version: string | null
  /** ISO 8601. */
  readonly started: string | null
  readonly concurrency: number | null
  readonly processed: number | null
  readonly active: readonly { readonly id: string; readonly name: string; readonly since: string }[] | null
  /** Seconds for which a task has blocked its event loop; 0: it turns. */
  readonly blocked: number | null
  /** What it last said to this very question; null: it keeps no word on that. */
  readonly answer: unknown
}

/** @param method the question that was asked, on the wire */
export function knownDocument({ isAlive, age, queues, state }: KnownNode, method: string): KnownDocument {
  return {
    alive: isAlive,
    age,
    queues,
    pid: state?.pid ?? null,
    version: state?.version ?? null,
    started: state === null ? null : iso(state.started),
    concurrency: state?.concurrency ?? null,
    processed: state?.processed ?? null,
    active: state?.active.map(({ id, name, since }) => ({ id, name, since: iso(since) })) ?? null,
    blocked: state === null ? null : state.blockedMs / 1000,
    answer: state?.answers[method] ?? null,
  }
}

/** `->  celery@web: NO ANSWER, 3s ago it said:` and that. */
export function knownText(known: KnownNode, method: string, paint: Paint): string {
  const head = nodeLine(known.node, `${paint('yellow', 'NO ANSWER')}${known.isAlive ? '' : ', it has vanished'}`, paint)
  if (known.state === null || known.age === null) return `${head}, and it has left no word`
  const answer = known.state.answers[method]
  return `${head}; ${spanText(known.age)} ago it said:\n${indented(answer === undefined ? summary(known) : bodyText(answer))}`
}

/** In one line. */
export function summary({ state, queues, age }: KnownNode): string {
  if (state === null) return 'nothing'
  const { active, concurrency, processed, blockedMs } = state
  const running = active.map(({ id, name, since }) => `${name}[${id}] for ${spanText(Math.max(0, Date.now() / 1000 - (age ?? 0) - since))}`)
  return safe(
    [
      `${active.length} of ${concurrency} running${running.length === 0 ? '' : ` (${running.slice(0, SHOWN).join(', ')}${running.length > SHOWN ? ', …' : ''})`}`,
      `${processed} processed`,
      `queues ${queues.join(', ')}`,
      ...(blockedMs > 0 ? [`its event loop blocked for ${spanText(blockedMs / 1000)}`] : []),
    ].join('; '),
  )
}

/** Running tasks that are named. */
const SHOWN = 3

function iso(unixSeconds: number): string {
  return new Date(Math.min(Math.max(unixSeconds, 0), 1e11) * 1000).toISOString()
}
