/** Tells of changes to the sources of a project. Not by Node's own recursive watch: that one would watch all of node_modules too. */
import { type FSWatcher, readdirSync, watch } from 'node:fs'
import { join, relative } from 'node:path'

/** Code and settings. No other JSON or YAML: tasks may write such files themselves, and would be stopped for it. */
const SOURCE = /\.[cm]?[jt]sx?$|^\.taskrc|^tasks\.config\.|^package\.json$/
const IGNORED = new Set(['node_modules', 'dist', 'build', 'coverage'])

export interface SourceWatch {
  close(): void
}

/**
 * @param folder  with all folders below, but those of dependencies, builds, and hidden ones
 * @param changed hears the path from `folder` of every source file that was written, added or removed; often more than once
 */
export function watchSources(folder: string, changed: (file: string) => void): SourceWatch {
  const watchers = new Map<string, FSWatcher>()
  const forget = (path: string) => {
    watchers.get(path)?.close()
    watchers.delete(path)
  }
  const follow = (path: string) => {
    if (watchers.has(path)) return
    try {
      const watcher = watch(path, (_, name) => {
        if (name === null) return
        if (SOURCE.test(name)) changed(relative(folder, join(path, name)))
        else if (isFollowed(name)) add(join(path, name))
      })
      watcher.on('error', () => forget(path)) // the folder was removed
      watchers.set(path, watcher)
    } catch {
      // removed between being seen and being watched
    }
  }
  const add = (path: string) => {
    const entries = entriesOf(path)
    if (entries === null) return forget(path)
    follow(path)
    for (const entry of entries) if (entry.isDirectory() && isFollowed(entry.name)) add(join(path, entry.name))
  }
  add(folder)
  return {
    close() {
      for (const path of [...watchers.keys()]) forget(path)
    },
  }
}

const isFollowed = (name: string) => !name.startsWith('.') && !IGNORED.has(name)

/** Null: there is no such folder (any more), or it is a file. */
function entriesOf(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch {
    return null
  }
}
