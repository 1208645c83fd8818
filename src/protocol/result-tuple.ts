/**
 * How results name other results: `[[id, parent], null]` for a task, `[[id, parent], [member, …]]` for a group; the parent is such a tuple
 * again, or null.
 */
export interface ResultTuple {
  readonly id: string
  readonly parent: ResultTuple | null
  /** Members of a group; null for a task. */
  readonly members: readonly ResultTuple[] | null
}

/** Nesting deeper than this is no result tuple; chains of parents are far shorter. */
const MAX_LEVELS = 100

/** The tuple as it travels. */
export function toTuple(result: ResultTuple): unknown {
  return [[result.id, result.parent === null ? null : toTuple(result.parent)], result.members === null ? null : result.members.map(toTuple)]
}

/** A tuple from the wire; null when it is none. */
function readTuple(value: unknown, level = 0): ResultTuple | null {
  if (!Array.isArray(value) || value.length !== 2 || level > MAX_LEVELS) return null
  const [head, tail]: readonly unknown[] = value
  if (!Array.isArray(head) || typeof head[0] !== 'string') return null
  const above: unknown = head[1] ?? null
  const parent = above === null ? null : readTuple(above, level + 1)
  const members = tail === null ? null : readTuples(tail, level + 1)
  if ((above !== null && parent === null) || (tail !== null && members === null)) return null
  return { id: head[0], parent, members }
}

/** A list of them; null when it is no list, or one of them is no tuple. */
export function readTuples(value: unknown, level = 0): readonly ResultTuple[] | null {
  if (!Array.isArray(value)) return null
  const tuples: ResultTuple[] = []
  for (const item of value) {
    const tuple = readTuple(item, level)
    if (tuple === null) return null
    tuples.push(tuple)
  }
  return tuples
}
