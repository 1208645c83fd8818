/** A call not yet sent, as plain data: what links, chains and chords carry. The field names are the wire's. */
import { Fields, isObject, kindOf } from './fields.js'
import { Refusal } from './refusal.js'

export interface Signature {
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly options: Readonly<Record<string, unknown>>
  readonly subtask_type: string | null
  readonly immutable: boolean
}

/**
 * A signature from the wire. Only `task` must be there; the rest has Celery's defaults. Signatures inside it (a group's `kwargs.tasks`,
 * `options.link`) are left as they are until somebody sends them.
 *
 * @param path where it is, such as `body[2].chain[0]`
 * @throws Refusal `malformed-body`
 */
export function readSignature(value: unknown, path: string): Signature {
  if (!isObject(value)) throw new Refusal('malformed-body', `${path}: expected a signature, not ${kindOf(value)}`)
  const fields = new Fields(value, path, 'malformed-body')
  const task = fields.text('task')
  if (task === null || task === '') return fields.refuse('task', 'the name of a task')
  return {
    task,
    args: fields.list('args') ?? [],
    kwargs: fields.object('kwargs') ?? {},
    options: fields.object('options') ?? {},
    subtask_type: fields.text('subtask_type'),
    immutable: fields.flag('immutable'),
  }
}
