/** Files for the patterns of the setting `imports`: `src/tasks/*.ts`, `tasks/**`, or a plain path. */
import { readdirSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'

const MODULE = /(?<!\.d)\.(?:[cm]?[jt]s|tsx)$/

/** Sorted; modules only, none from node_modules. `pattern` is absolute. A plain path is given back as it is, whether or not it exists. */
export function findModules(pattern: string): readonly string[] {
  if (!/[*?{]/.test(pattern)) return [pattern]
  const parts = pattern.split(sep)
  const root =
    parts
      .slice(
        0,
        parts.findIndex((part) => /[*?{]/.test(part)),
      )
      .join(sep) || sep
  const wanted = globExpression(pattern)
  return walk(root, pattern.includes('**') ? Number.POSITIVE_INFINITY : parts.length - root.split(sep).length)
    .filter((path) => MODULE.test(path) && wanted.test(path))
    .sort()
}

function walk(folder: string, depth: number): readonly string[] {
  if (depth <= 0 || statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : walk(path, depth - 1)
    return [path]
  })
}

/** `*` and `?` within a name, `**` across folders, `{a,b}` either. */
function globExpression(pattern: string): RegExp {
  const source = pattern.replace(/\*\*\/|\*\*|\*|\?|\{[^{}]*\}|[.+^$()|[\]\\{}]/g, (token) => {
    if (token === '**/') return '(?:.*/)?'
    if (token === '**') return '.*'
    if (token === '*') return '[^/]*'
    if (token === '?') return '[^/]'
    if (token.length > 1) return `(?:${token.slice(1, -1).split(',').map(literal).join('|')})`
    return `\\${token}`
  })
  return new RegExp(`^${source}$`)
}

const literal = (text: string) => text.replace(/[.*+?^$()|[\]\\{}]/g, '\\$&')
