/** Whom a request is for. Patterns come from strangers: each is matched in time proportional to its length times the name's. */
import type { ControlRequest } from '../protocol/control.js'

/** `refused`: it is for nobody, since its pattern can't be matched in bounded time, or not at all. */
export type Audience = 'us' | 'others' | 'refused'

/** As kombu has it: the destination when there is one, else the pattern, else everybody. */
export async function audienceOf({ destination, pattern, matcher }: ControlRequest, node: string): Promise<Audience> {
  if (destination !== undefined) return destination.includes(node) ? 'us' : 'others'
  if (pattern === undefined || matcher === undefined) return 'us'
  if (matcher === 'glob') return matchesGlob(pattern, node) ? 'us' : 'others'
  return matchesExpression(pattern, node)
}

export async function isFor(request: ControlRequest, node: string): Promise<boolean> {
  return (await audienceOf(request, node)) === 'us'
}

/** A part of a glob: any text, any one character, or one character of (or not of) a class. */
type Part = '*' | ((char: string) => boolean)

/** As Python's `fnmatch`: `*`, `?`, `[a-z]`, `[!a-z]`; everything else is itself. */
export function matchesGlob(glob: string, text: string): boolean {
  const parts = partsOf(glob)
  let p = 0
  let t = 0
  let star = -1
  let retry = 0
  // Goes back to the last star only: what an earlier one took can't matter any more.
  while (t < text.length) {
    const part = parts[p]
    if (part === '*') {
      star = p++
      retry = t
    } else if (part?.(text[t] as string)) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++retry
    } else return false
  }
  while (parts[p] === '*') p++
  return p === parts.length
}

function partsOf(glob: string): Part[] {
  const parts: Part[] = []
  for (let at = 0; at < glob.length; at++) {
    const char = glob[at] as string
    // A `]` directly after the opening is one of the class, and an opening without an end is itself.
    const end = char === '[' ? glob.indexOf(']', glob[at + 1] === '!' ? at + 3 : at + 2) : -1
    if (char === '*') parts.push('*')
    else if (char === '?') parts.push(() => true)
    else if (end > 0) {
      parts.push(classOf(glob.slice(at + 1, end)))
      at = end
    } else parts.push((other) => other === char)
  }
  return parts
}

function classOf(members: string): (char: string) => boolean {
  const isNegated = members[0] === '!'
  const ranges: (readonly [from: string, to: string])[] = []
  for (let at = isNegated ? 1 : 0; at < members.length; at++) {
    const from = members[at] as string
    const to = members[at + 1] === '-' ? members[at + 2] : undefined
    ranges.push([from, to ?? from])
    if (to !== undefined) at += 2
  }
  return (char) => isNegated !== ranges.some(([from, to]) => from <= char && char <= to)
}

/**
 * Longest program an expression may become. RE2 takes time in proportion to it, and counted repetitions make it long: `(a?){1000}`, written
 * twenty times, takes 0.4 s and 40 MB.
 */
const MAX_PROGRAM = 5_000

/** Matched from the start, as Python's `re.match`; by RE2, which refuses what it can't match in linear time. Loaded when it is asked for. */
async function matchesExpression(expression: string, text: string): Promise<Audience> {
  let program = expression.length
  for (const [, least, most] of expression.matchAll(/\{(\d+)(?:,(\d*))?\}/g)) program *= Math.max(1, Number(most || least))
  if (program > MAX_PROGRAM) return 'refused'
  const { RE2JS } = await import('re2js')
  try {
    return RE2JS.compile(expression).matcher(text).lookingAt() ? 'us' : 'others'
  } catch {
    return 'refused' // backreferences, lookarounds, bad syntax
  }
}
