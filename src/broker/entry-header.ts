/** The header by which a broker knows that a message is of a schedule entry that it holds open (schedules.ts). */
import type { Fate, Outgoing } from './broker.js'

/** Its value is the name of the entry. A retry keeps it, as it keeps all headers and the id. */
export const ENTRY_HEADER = 'celerity_entry'

const MARK = Buffer.from(`"${ENTRY_HEADER}"`)

export interface EntryTask {
  readonly entry: string
  readonly id: string
}

/**
 * The entry and the task id of a message with the header. Only what has it is parsed, and not as a task message, since what no worker can read must be told all the same. Never throws.
 */
export function entryTaskOf(raw: Uint8Array | string): EntryTask | undefined {
  const bytes = Buffer.isBuffer(raw) ? raw : Buffer.from(raw)
  if (!bytes.includes(MARK)) return undefined
  try {
    const { headers } = JSON.parse(bytes.toString()) as { readonly headers?: Readonly<Record<string, unknown>> | null }
    const entry = headers?.[ENTRY_HEADER]
    const id = headers?.['id']
    return typeof entry === 'string' && typeof id === 'string' ? { entry, id } : undefined
  } catch {
    return undefined // not JSON: none of ours
  }
}

/** The follow-up by which `task` goes on, such as its retry. */
export function continuationOf<Message extends Outgoing>(task: EntryTask, publish: readonly Message[] | undefined): Message | undefined {
  return publish?.find(({ raw }) => {
    const next = entryTaskOf(raw)
    return next !== undefined && next.entry === task.entry && next.id === task.id
  })
}

/** Whether this fate takes the message away for good. */
export function isEnd(fate: Fate): boolean {
  return fate.kind === 'ack' || fate.kind === 'dead'
}
