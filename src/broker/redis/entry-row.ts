/** What the keys of a schedule entry hold, as text; whatever was damaged by others is read as missing. */
import type { Occurrence, Reign, StoredEntry } from '../schedules.js'

const HOLD = 'hold:'

/** The field of an entry that says that this task holds it open: `<until ms, 0 for ever> <queue of its message>`. */
export function holdField(id: string): string {
  return `${HOLD}${id}`
}

export interface HoldRow {
  readonly id: string
  readonly until: number
  readonly queue: string
}

export function readHolds(row: Readonly<Record<string, string>>): readonly HoldRow[] {
  return Object.entries(row).flatMap(([field, value]) => {
    if (!field.startsWith(HOLD)) return []
    const space = value.indexOf(' ')
    const until = numberOf(value.slice(0, space)) ?? -1
    return [{ id: field.slice(HOLD.length), until: until === 0 ? Number.POSITIVE_INFINITY : until, queue: value.slice(space + 1) }]
  })
}

/** Unknown fields are passed over. */
export function readEntry(name: string, row: Readonly<Record<string, string>>, now: number): StoredEntry {
  return {
    name,
    json: row['json'] ?? '',
    source: row['source'] === 'settings' ? 'settings' : 'store',
    enabled: row['enabled'] !== '0',
    planned: numberOf(row['planned']),
    over: row['over'] === '1',
    lastDue: numberOf(row['due']),
    lastSent: numberOf(row['sent']),
    runs: numberOf(row['runs']) ?? 0,
    by: row['by'] ?? null,
    open: readHolds(row)
      .filter(({ until }) => until > now)
      .map(({ id }) => id),
  }
}

/** `<at> <outcome> <due> <epoch, or -> [ids, node]`. */
export function readOccurrence(line: string): Occurrence | undefined {
  const [, at, outcome = '', due, epoch, json = ''] = /^(\d+) (\S+) (-?[\d.]+) (\d+|-) (\[.*)$/s.exec(line) ?? []
  const [ids, node] = readList(json)
  if (!Array.isArray(ids) || typeof node !== 'string') return undefined
  return { due: Number(due), at: Number(at), outcome, ids: ids.map(String), node, epoch: epoch === '-' ? null : Number(epoch) }
}

/** `<epoch> <from> <until> [id, node]`. */
export function readReign(line: string): Reign | undefined {
  const [, epoch, from, until, json = ''] = /^(\d+) (\d+) (\d+) (\[.*)$/s.exec(line) ?? []
  const [id, node] = readList(json)
  if (typeof id !== 'string' || typeof node !== 'string') return undefined
  return { id, node, epoch: Number(epoch), from: Number(from), until: Number(until) }
}

function readList(json: string): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(json)
    return Array.isArray(list) ? list : []
  } catch {
    return []
  }
}

/** As the scripts read numbers, so that a plan that is none is none for both. */
function numberOf(text: string | undefined): number | null {
  return text !== undefined && /^-?\d+\.?\d*$/.test(text) ? Number(text) : null
}
