/** Answers of workers as Celery's command line prints them: people read that, and scripts of theirs parse it. */
import { isObject, type JsonObject } from '../protocol/fields.js'
import { wholeRepr } from '../protocol/python-repr.js'
import type { Paint } from '../terminal/colour.js'
import { safe, safeLines } from '../terminal/safe.js'
import { jsonText } from './json-text.js'

/** `{"error": …}`: the worker could not. */
export function isRefusal(value: unknown): value is JsonObject {
  return isObject(value) && 'error' in value && !('ok' in value)
}

/** `->  celery@web: OK` and, indented, what it says. */
export function replyText(node: string, value: unknown, paint: Paint): string {
  const status = isRefusal(value) ? paint('red', 'ERROR') : paint('green', 'OK')
  return `${nodeLine(node, status, paint)}\n${indented(bodyText(value))}`
}

export function nodeLine(node: string, status: string, paint: Paint): string {
  return `->  ${paint('cyan', `${safe(node)}:`)} ${status}`
}

/** A value, each line indented by four. */
export function indented(text: string): string {
  return text.replace(/^/gm, '    ')
}

export function bodyText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '- empty -' : value.map((item) => `* ${itemText(item)}`).join('\n')
  if (!isObject(value)) return typeof value === 'string' ? safeLines(value) : safe(wholeRepr(value))
  if ('ok' in value) return indented(bodyText(value['ok']))
  if ('error' in value) return indented(bodyText(value['error']))
  return jsonText(sorted(value), 4)
}

export function onlineText(count: number): string {
  return `\n${count} ${count === 1 ? 'node' : 'nodes'} online.`
}

const itemText = (item: unknown) => safe(typeof item === 'string' ? item : wholeRepr(item))

/** As `json.dumps(…, sort_keys=True)`, which also knows numbers that JSON has not. */
function sorted(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  )
}
