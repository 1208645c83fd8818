/**
 * The whole story of one task, put together from what the house knows of it: the stored result, the snapshot of the monitor, the message
 * where it lies at the broker. None of them knows everything, and each may be missing; a result outweighs a snapshot, which is older by
 * up to its interval. Pure.
 */

import { readSentFrom } from '../../app/sent-from.js'
import type { TaskRecord } from '../../events/cluster.js'
import type { TaskMessage } from '../../protocol/message.js'
import { reprArgs, reprKwargs } from '../../protocol/python-repr.js'
import { isFinal, stateOf, type TaskResult } from '../../protocol/result.js'
import type { Whereabouts } from './whereabouts.js'

export interface TaskStory {
  readonly id: string
  readonly name: string | null
  /** PENDING: nobody has stored a state. */
  readonly state: string
  /** Which sources knew of it. */
  readonly sources: readonly ('result' | 'snapshot' | 'message')[]
  readonly place: Place | null
  /** `file:line` of the caller, and its process; as far as the sender said. */
  readonly sentFrom: string | null
  readonly sentBy: string | null
  readonly queue: string | null
  /** As Python prints them. */
  readonly args: string | null
  readonly kwargs: string | null
  readonly worker: string | null
  readonly retries: number
  /** ISO 8601. */
  readonly sent: string | null
  readonly received: string | null
  readonly started: string | null
  readonly ended: string | null
  readonly eta: string | null
  readonly expires: string | null
  /** Seconds between being sent (or due) and started; of the last try. */
  readonly queueWait: number | null
  /** Seconds that the last try took. */
  readonly runTime: number | null
  readonly value: unknown
  readonly error: StoryError | null
  readonly tries: readonly StoryTry[]
  readonly parent: string | null
  readonly root: string | null
  readonly children: readonly Kin[]
  readonly next: readonly NextStep[]
}

/** Where its message is now. */
export interface Place {
  readonly kind: Whereabouts['kind']
  readonly queue: string
  /** One sentence. */
  readonly detail: string
}

export interface StoryError {
  readonly type: string
  readonly message: string
  readonly traceback: string | null
}

export interface StoryTry {
  /** ISO 8601, when it ended. */
  readonly ended: string
  readonly outcome: 'retried' | 'failed'
  readonly error: string | null
  readonly worker: string | null
  /** Seconds; null when nobody said. */
  readonly runTime: number | null
}

/** A task it sent while it ran, and what that sent. */
export interface Kin {
  readonly id: string
  readonly name: string | null
  readonly state: string
  readonly children: readonly Kin[]
}

export interface NextStep {
  readonly why: string
  readonly command: string
}

export interface Evidence {
  readonly result: TaskResult | null
  readonly snapshot: TaskRecord | null
  readonly whereabouts: Whereabouts | null
  readonly children: readonly Kin[]
}

/** Null when nobody knows anything of it. */
export function tellStory(id: string, evidence: Evidence): TaskStory | null {
  const { result, snapshot, whereabouts, children } = evidence
  const message = whereabouts?.message ?? null
  if (result === null && snapshot === null && whereabouts === null) return null
  const sentFrom = message === null ? null : readSentFrom(message.headers['sent_from'])
  const extended = result?.extended ?? null
  const state = stateFrom(evidence)
  const times = timesOf(evidence)
  const story: Omit<TaskStory, 'next'> = {
    id,
    name: message?.task ?? snapshot?.name ?? extended?.name ?? (whereabouts?.kind === 'dead' ? whereabouts.letter.task : null),
    state,
    sources: [
      ...(result === null ? [] : (['result'] as const)),
      ...(snapshot === null ? [] : (['snapshot'] as const)),
      ...(whereabouts === null ? [] : (['message'] as const)),
    ],
    place: whereabouts === null ? null : placeOf(whereabouts),
    sentFrom: sentFrom?.at ?? snapshot?.sentFrom ?? null,
    sentBy: sentFrom === null ? (message?.origin ?? null) : `${sentFrom.pid}@${sentFrom.host}`,
    queue: whereabouts?.queue ?? snapshot?.queue ?? (extended?.queue || null),
    args: message === null ? (snapshot?.args ?? (extended === null ? null : reprArgs(extended.args))) : shownArgs(message),
    kwargs: message === null ? (snapshot?.kwargs ?? (extended === null ? null : reprKwargs(extended.kwargs))) : shownKwargs(message),
    worker: (whereabouts?.kind === 'in flight' ? whereabouts.node : null) ?? snapshot?.worker ?? (extended?.worker || null),
    retries: Math.max(message?.retries ?? 0, snapshot?.retries ?? 0, extended?.retries ?? 0),
    ...times,
    value: shownValue(result, snapshot),
    error: errorOf(result, snapshot),
    tries: (snapshot?.tries ?? []).map(({ at, outcome, exception, worker, runtime }) => {
      return { ended: isoOf(at) ?? '', outcome, error: exception, worker, runTime: runtime }
    }),
    // A retry is sent by the try before it: its parent is itself.
    parent: [message?.parentId, snapshot?.parentId, result?.parentId].find((parent) => parent != null && parent !== id) ?? null,
    root: message?.rootId ?? snapshot?.rootId ?? null,
    children,
  }
  return { ...story, next: nextSteps(story, evidence) }
}

function stateFrom({ result, snapshot, whereabouts }: Evidence): string {
  const stored = result === null ? null : stateOf(result.outcome)
  if (stored !== null && isFinal(stored)) return stored
  if (snapshot !== null && isFinal(snapshot.state)) return snapshot.state
  // What runs now is later than whatever was stored before.
  if (whereabouts?.kind === 'in flight') return stored ?? (whereabouts.isStarted ? 'STARTED' : 'RECEIVED')
  return stored ?? snapshot?.state ?? 'PENDING'
}

function timesOf({ result, snapshot, whereabouts }: Evidence) {
  const message = whereabouts?.message ?? null
  const sentAt = message?.sentAt == null ? (snapshot?.sentAt ?? null) : message.sentAt / 1000
  const started = snapshot?.startedAt ?? null
  const eta = message?.eta ?? null
  const from = Math.max(sentAt ?? 0, (eta ?? 0) / 1000, snapshot?.eta ?? 0)
  return {
    sent: isoOf(sentAt),
    received: isoOf(snapshot?.receivedAt ?? null),
    started: isoOf(started),
    ended: isoOf(snapshot?.endedAt ?? null) ?? isoOf(result?.dateDone == null ? null : result.dateDone / 1000),
    eta: isoOf(eta === null ? (snapshot?.eta ?? null) : eta / 1000),
    expires: isoOf(message?.expires == null ? (snapshot?.expires ?? null) : message.expires / 1000),
    queueWait: sentAt === null || started === null ? null : Math.max(0, started - from),
    runTime: snapshot?.runtime ?? null,
  }
}

function placeOf(found: Whereabouts): Place {
  const { kind, queue } = found
  switch (found.kind) {
    case 'waiting':
      return { kind, queue, detail: found.ahead === 0 ? 'the next to be taken' : `${found.ahead} before it` }
    case 'in flight': {
      const what = found.isStarted ? 'runs in' : 'was taken by'
      return {
        kind,
        queue,
        detail: `${what} ${found.node}${found.isAlive ? '' : ', which has vanished: it goes back when the lease runs out'}`,
      }
    }
    case 'dead':
      return { kind, queue, detail: `${found.letter.reason}: ${found.letter.detail}` }
  }
}

function shownValue(result: TaskResult | null, snapshot: TaskRecord | null): unknown {
  if (result?.outcome.kind === 'success') return result.outcome.value
  if (result?.outcome.kind === 'meta') return result.outcome.meta
  return snapshot?.result ?? null
}

function errorOf(result: TaskResult | null, snapshot: TaskRecord | null): StoryError | null {
  if (result?.outcome.kind === 'error') {
    const { type, message, traceback } = result.outcome.error
    return { type, message: message.map(String).join(', '), traceback }
  }
  if (snapshot?.exception == null || result?.outcome.kind === 'success') return null
  const [, type = 'Error', message = snapshot.exception] = /^(\w+)\((.*)\)$/s.exec(snapshot.exception) ?? []
  return { type, message, traceback: snapshot.traceback }
}

function nextSteps(story: Omit<TaskStory, 'next'>, evidence: Evidence): NextStep[] {
  const { whereabouts: found } = evidence
  const { id, name, worker, state, root, parent } = story
  const steps: NextStep[] = []
  if (found?.kind === 'dead') {
    steps.push({ why: 'the message as it was', command: `tasks dead show ${found.letter.id}` })
    steps.push({ why: 'put it back into its queue', command: `tasks dead retry ${found.letter.id}` })
  } else if (isFinal(state) && name !== null) {
    const call = callOf(name, argumentsOf(evidence))
    steps.push({ why: 'send it again', command: call })
    if (state === 'FAILURE') steps.push({ why: 'run it here, to debug it', command: `TASKS_TASK_ALWAYS_EAGER=1 ${call} --wait` })
  }
  if (!isFinal(state) && worker !== null) {
    steps.push({ why: 'what its worker does', command: `tasks inspect active -d ${quoted(worker)}` })
    steps.push({ why: 'end it', command: `tasks control revoke ${quoted(id)} --terminate` })
  } else if (!isFinal(state)) {
    steps.push({ why: 'who could run it', command: 'tasks queues' })
    steps.push({ why: 'wait for its end', command: `tasks result ${quoted(id)} --wait` })
  }
  if (parent !== null) steps.push({ why: 'the task that sent it', command: `tasks show ${quoted(parent)}` })
  else if (root !== null && root !== id) steps.push({ why: 'the task it all began with', command: `tasks show ${quoted(root)}` })
  return steps
}

interface Arguments {
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
}

/** As values: of the message, or of a result that has them. What a monitor captured is their text, which may be cut. */
function argumentsOf({ whereabouts, result, snapshot }: Evidence): Arguments | null {
  const known = whereabouts?.message ?? result?.extended ?? null
  if (known !== null) return known
  return snapshot?.args === '()' && snapshot.kwargs === '{}' ? { args: [], kwargs: {} } : null
}

/** Arguments that nobody knows as values are for whoever types it to fill in. */
function callOf(name: string, given: Arguments | null): string {
  if (given === null) return `tasks call ${quoted(name)} --args '[…]'`
  const { args, kwargs } = given
  const list = args.length === 0 ? '' : ` --args ${quoted(JSON.stringify(args, plain))}`
  return `tasks call ${quoted(name)}${list}${Object.keys(kwargs).length === 0 ? '' : ` --kwargs ${quoted(JSON.stringify(kwargs, plain))}`}`
}

const plain = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)

/** As one word of a POSIX shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

const shownArgs = (message: TaskMessage) => message.argsrepr ?? reprArgs(message.args)
const shownKwargs = (message: TaskMessage) => message.kwargsrepr ?? reprKwargs(message.kwargs)

/** @param seconds unix time; what no date can hold is none */
function isoOf(seconds: number | null): string | null {
  if (seconds === null) return null
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}
