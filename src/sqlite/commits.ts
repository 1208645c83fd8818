/**
 * What the connections of this process to one file share: their commits, so that those who wait in the same process are woken at once instead
 * of at their next poll, and whose tables belong there.
 */
import type { CelerityError } from '../errors.js'
import type { Schema } from './schema.js'

export interface Commits {
  count: number
  readonly listeners: Set<() => void>
  /** By room. */
  readonly schemas: Map<string, Schema>
  /** Called when it is deleted, or another file in its place; while there are any, that is the end of it. */
  readonly endings: Set<(error: CelerityError) => void>
  /** That end. */
  end: CelerityError | undefined
}

/** On `globalThis`, not in this module: a task module loaded through another loader may hold a second copy of it. */
const COMMITS = Symbol.for('celerity.sqlite.shared')

export function commitsOf(path: string): Commits {
  const shared = globalThis as { [COMMITS]?: Map<string, Commits> }
  shared[COMMITS] ??= new Map()
  const known = shared[COMMITS].get(path)
  if (known !== undefined) return known
  const commits: Commits = { count: 0, listeners: new Set(), schemas: new Map(), endings: new Set(), end: undefined }
  shared[COMMITS].set(path, commits)
  return commits
}

export function committed(commits: Commits): void {
  commits.count++
  for (const listener of [...commits.listeners]) listener()
}
