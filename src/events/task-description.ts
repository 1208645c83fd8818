/** What a task is, as `task-sent` and `task-received` describe it. */
import type { ClusterEvent } from '../protocol/event.js'
import { readCount, readDate, readId, readName, readNumber, readText } from './event-fields.js'
import { compareData } from './task-step.js'

/** Times are unix seconds. */
export interface TaskDescription {
  readonly at: number
  readonly clock: number
  readonly name: string | null
  readonly args: string | null
  readonly kwargs: string | null
  readonly queue: string | null
  readonly retries: number | null
  readonly eta: number | null
  readonly expires: number | null
  readonly rootId: string | null
  readonly parentId: string | null
  readonly sentFrom: string | null
  readonly sentAt: number | null
}

/** Longest name of a queue, and of a place in a file, in characters. */
const MAX_PLACE = 1_024

export function describe({ timestamp, clock, uuid, fields }: ClusterEvent): TaskDescription {
  const parentId = readId(fields, 'parent_id')
  return {
    at: timestamp,
    clock,
    name: readName(fields),
    args: readText(fields, 'args'),
    kwargs: readText(fields, 'kwargs'),
    queue: readText(fields, 'queue', MAX_PLACE),
    retries: readCount(fields, 'retries'),
    eta: readDate(fields, 'eta'),
    expires: readDate(fields, 'expires'),
    rootId: readId(fields, 'root_id'),
    parentId: parentId === uuid ? null : parentId, // a retry is sent by the try before it
    sentFrom: readText(fields, 'sent_from', MAX_PLACE),
    sentAt: readNumber(fields, 'sent_at'),
  }
}

/** The one that says the task's name, else the newer: a task is received once per try, and `retries` grows. */
export function newerDescription(one: TaskDescription | null, other: TaskDescription | null): TaskDescription | null {
  if (one === null || other === null) return one ?? other
  const order =
    Number(one.name !== null) - Number(other.name !== null) || one.at - other.at || one.clock - other.clock || compareData(one, other)
  const newer = order >= 0 ? one : other
  const parentId = greater(one.parentId, other.parentId)
  return parentId === newer.parentId ? newer : { ...newer, parentId }
}

/** A retry does not say who sent the task first: what an earlier try said stands. There is one parent; should two be told, any order agrees. */
function greater(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other
  return one >= other ? one : other
}
