/** The main thread as the keeper sees it, whether it runs in a thread of its own or beside the tasks. */
import { reason } from '../../errors.js'
import { encodeJson } from '../../protocol/json.js'
import { repr } from '../../protocol/python-repr.js'
import type { Panel } from './panel-port.js'

/** A reply as JSON text: values of classes (decimals, uuids) would not survive the way from one thread to another. */
export type Answer = { readonly kind: 'reply'; readonly json: string } | { readonly kind: 'silent' }

export interface MainThread {
  /** Has the panel carry out a request. Resolves when it has: late, when the event loop is blocked. */
  ask(method: string, args: Readonly<Record<string, unknown>>): Promise<Answer>
  /** The lease is lost. */
  lost(): void
  /** The lease could not be renewed (`trouble`), and is again. */
  say(what: 'trouble' | 'renewed' | 'blocked', text: string): void
  /** The lanes that the broker says this worker holds. */
  lanes(names: readonly string[]): void
  /** How many readers of the journal there are. */
  readers(count: number): void
  /** From now on whoever asks is heard; at once where nobody is to be. */
  listening(): void
}

/** What main thread tells the keeper of itself; see `Keeper.state`. */
export interface KnownState {
  /** JSON text by wire method. */
  readonly answers: Readonly<Record<string, string>>
  readonly queues: readonly string[]
}

export const SILENT: Answer = { kind: 'silent' }

export function reply(value: unknown): Answer {
  try {
    return { kind: 'reply', json: encodeJson(value, { markers: true, name: 'reply' }) }
  } catch (error) {
    return failure(reason(error))
  }
}

/** What Celery's workers answer when a command failed. */
export function failure(text: string): Answer {
  return { kind: 'reply', json: JSON.stringify({ error: text }) }
}

/** As Python prints the error that a method raised. */
function failureOf(error: unknown): Answer {
  return failure(`RuntimeError(${repr(reason(error))})`)
}

export async function askPanel(panel: Panel, method: string, args: Readonly<Record<string, unknown>>): Promise<Answer> {
  try {
    const answer = await panel.handle(method, args)
    return answer.kind === 'silent' ? SILENT : reply(answer.value)
  } catch (error) {
    return failureOf(error)
  }
}

export function known(answers: Readonly<Record<string, unknown>>, queues: readonly string[]): KnownState {
  const texts: Record<string, string> = {}
  for (const [method, value] of Object.entries(answers)) {
    const answer = reply(value)
    if (answer.kind === 'reply') texts[method] = answer.json
  }
  return { answers: texts, queues }
}
