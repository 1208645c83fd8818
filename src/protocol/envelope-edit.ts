/**
 * Changes to an envelope that leave every other byte as it is: what a parser would lose (integers beyond 2^53, doubled keys, spacing)
 * stays. Bytes that cannot be read as an envelope come back unchanged, for the dead letters keep them so.
 */
import { isObject } from './fields.js'
import { encodeJson, parseJson } from './json.js'
import { endOfString } from './nesting.js'

/** As kombu marks a message that is given back: in the headers, and in the delivery information. */
export function markRedelivered(raw: Buffer): Buffer {
  return edit(raw, (text) => {
    const marked = setMembers(text, ['headers'], { redelivered: 'true' })
    return marked === null ? null : (setMembers(marked, ['properties', 'delivery_info'], { redelivered: 'true' }) ?? marked)
  })
}

/** The message with these headers added, or replaced where they are there. @throws CelerityError E_ENCODE */
export function withHeaders(raw: Buffer, headers: Readonly<Record<string, unknown>>): Buffer {
  const members: Record<string, string> = {}
  for (const key of Object.keys(headers)) members[key] = encodeJson(headers[key], { markers: true, name: `headers.${key}` })
  return edit(raw, (text) => setMembers(text, ['headers'], members))
}

/** Works on latin1 text, in which each character is one byte, whatever the bytes are. */
function edit(raw: Buffer, change: (text: string) => string | null): Buffer {
  const text = raw.toString('latin1')
  if (!isJsonObject(text)) return raw
  const changed = change(text)
  return changed === null ? raw : Buffer.from(changed, 'latin1')
}

function isJsonObject(text: string): boolean {
  try {
    return isObject(parseJson(text))
  } catch {
    return false
  }
}

/** Sets members (JSON text) of the object at `path`; null when there is no object there. */
function setMembers(text: string, path: readonly string[], members: Readonly<Record<string, string>>): string | null {
  let object = skipBlanks(text, 0)
  for (const key of path) {
    const value = findMember(text, object, key)
    if (value === null || text[value.start] !== '{') return null
    object = value.start
  }
  let changed = text
  for (const key of Object.keys(members)) changed = setMember(changed, object, key, members[key] ?? 'null')
  return changed
}

function setMember(text: string, object: number, key: string, value: string): string {
  const bytes = Buffer.from(value, 'utf8').toString('latin1')
  const found = findMember(text, object, key)
  if (found !== null) return text.slice(0, found.start) + bytes + text.slice(found.end)
  const end = endOfValue(text, object) - 1
  const isEmpty = text[skipBlanks(text, object + 1)] === '}'
  const name = Buffer.from(JSON.stringify(key), 'utf8').toString('latin1')
  return `${text.slice(0, end)}${isEmpty ? '' : ', '}${name}: ${bytes}${text.slice(end)}`
}

interface Span {
  readonly start: number
  readonly end: number
}

/** Where the value of `key` is in the object that starts at `object`: the last one, as parsers take it. The text is known to be JSON. */
function findMember(text: string, object: number, key: string): Span | null {
  let found: Span | null = null
  let at = skipBlanks(text, object + 1)
  while (text[at] === '"') {
    const keyEnd = endOfString(text, at) + 1
    const start = skipBlanks(text, skipBlanks(text, keyEnd) + 1)
    const end = endOfValue(text, start)
    if (keyOf(text.slice(at, keyEnd)) === key) found = { start, end }
    at = skipBlanks(text, end)
    if (text[at] === ',') at = skipBlanks(text, at + 1)
  }
  return found
}

function keyOf(quoted: string): string {
  return Buffer.from(JSON.parse(quoted) as string, 'latin1').toString('utf8')
}

/** Just past the value that starts at `start`. */
function endOfValue(text: string, start: number): number {
  const first = text[start]
  if (first === '"') return endOfString(text, start) + 1
  return first === '{' || first === '[' ? endOfComposite(text, start) : start + text.slice(start).search(/[,\]}\s]|$/)
}

function endOfComposite(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (char === '"') at = endOfString(text, at)
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1
  }
  return text.length
}

function skipBlanks(text: string, start: number): number {
  let at = start
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++
  return at
}
