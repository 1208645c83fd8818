/**
 * A shortcut past the JSON parser for the one shape in which kombu (5.2 and 5.6) and we ourselves write an envelope: fixed keys in a fixed
 * order, strings without escapes, small whole numbers. It gives exactly what the parser gives, or null, and then the parser decides.
 * Measured on an envelope of 939 bytes: 0.6 µs, against 3.9 µs for nesting check, search for special values and `JSON.parse`.
 */
import type { JsonObject } from './fields.js'
import { parseJson } from './json.js'

/** Longer texts go to the parser: what is cut out of a text here keeps all of it in memory. */
const MAX_LENGTH = 8192

const TEXT = '"([ !#-\\[\\]-~]*)"' // printable ASCII without quote and backslash
const TEXT_OR_NULL = `(?:null|${TEXT})`
const NUMBER = '(0|[1-9]\\d{0,8})'
const NUMBER_OR_NULL = `(?:null|${NUMBER})`
const TEXT_OR_FLAT_OBJECT = '("[ !#-\\[\\]-~]*"|\\{[ -\\[\\]-z|~]*\\})' // no braces inside, so it ends at the first

/** No repetition of a group and no two ways to match, hence linear in the length. */
const SHAPE = new RegExp(
  [
    `^\\{"body": ${TEXT}, "content-encoding": ${TEXT}, "content-type": ${TEXT}, "headers": \\{"lang": ${TEXT}, "task": ${TEXT}, "id": ${TEXT}`,
    `"shadow": ${TEXT_OR_NULL}, "eta": ${TEXT_OR_NULL}, "expires": ${TEXT_OR_NULL}, "group": ${TEXT_OR_NULL}`,
    `"group_index": ${NUMBER_OR_NULL}, "retries": ${NUMBER}, "timelimit": \\[${NUMBER_OR_NULL}, ${NUMBER_OR_NULL}\\], "root_id": ${TEXT}`,
    `"parent_id": ${TEXT_OR_NULL}, "argsrepr": ${TEXT}, "kwargsrepr": ${TEXT}, "origin": ${TEXT}`,
    `"ignore_result": (true|false)(?:, "replaced_task_nesting": ${NUMBER}, "stamped_headers": null, "stamps": \\{\\})?` +
      `(?:, "sent_from": ${TEXT_OR_FLAT_OBJECT})?\\}`,
    `"properties": \\{"correlation_id": ${TEXT}, "reply_to": ${TEXT}(?:, "origin": ${TEXT})?, "delivery_mode": ${NUMBER}` +
      `(?:, "expiration": ${TEXT})?`,
    `"delivery_info": \\{"exchange": ${TEXT}, "routing_key": ${TEXT}\\}, "priority": ${NUMBER}, "body_encoding": ${TEXT}`,
    `"delivery_tag": ${TEXT}\\}\\}$`,
  ].join(', '),
)

/** @param text the whole envelope */
export function scanEnvelope(text: string): JsonObject | null {
  const found = text.length <= MAX_LENGTH ? SHAPE.exec(text) : null
  if (found === null) return null
  const headers: Record<string, unknown> = {
    lang: found[4],
    task: found[5],
    id: found[6],
    shadow: found[7] ?? null,
    eta: found[8] ?? null,
    expires: found[9] ?? null,
    group: found[10] ?? null,
    group_index: numberOrNull(found[11]),
    retries: Number(found[12]),
    timelimit: [numberOrNull(found[13]), numberOrNull(found[14])],
    root_id: found[15],
    parent_id: found[16] ?? null,
    argsrepr: found[17],
    kwargsrepr: found[18],
    origin: found[19],
    ignore_result: found[20] === 'true',
  }
  if (found[21] !== undefined) {
    headers['replaced_task_nesting'] = Number(found[21])
    headers['stamped_headers'] = null
    headers['stamps'] = {}
  }
  if (found[22] !== undefined) {
    const sentFrom = parseOrNull(found[22])
    if (sentFrom === null) return null
    headers['sent_from'] = sentFrom
  }
  const properties: Record<string, unknown> = { correlation_id: found[23], reply_to: found[24] }
  if (found[25] !== undefined) properties['origin'] = found[25]
  properties['delivery_mode'] = Number(found[26])
  if (found[27] !== undefined) properties['expiration'] = found[27]
  properties['delivery_info'] = { exchange: found[28], routing_key: found[29] }
  properties['priority'] = Number(found[30])
  properties['body_encoding'] = found[31]
  properties['delivery_tag'] = found[32]
  return { body: found[1], 'content-encoding': found[2], 'content-type': found[3], headers, properties }
}

function parseOrNull(json: string): unknown {
  try {
    return parseJson(json)
  } catch {
    return null // the parser will say what is wrong
  }
}

function numberOrNull(digits: string | undefined): number | null {
  return digits === undefined ? null : Number(digits)
}
