/** Spans of time as people write them. Everywhere in the API and the settings a plain number is seconds, as in Celery. */

const UNITS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const

type DurationUnit = keyof typeof UNITS

type Part = `${number}${DurationUnit}`

/** Seconds, or numbers with their units: `90`, `'90s'`, `'5m'`, `'1.5h'`, `'1h30m'`, `'250ms'`. */
export type Duration = number | Part | `${Part}${Part}`

const PLAIN = /^\d{1,15}(?:\.\d{1,9})?$/
const WITH_UNITS = /^(?:\d{1,15}(?:\.\d{1,9})?(?:ms|[smhdw]))+$/
const PART = /([\d.]+)(ms|[smhdw])/g

/** The seconds in `text` (`'5m'`, `'1h30m'`; no unit: seconds), or null when it is no span. Never throws. */
export function parseSeconds(text: string): number | null {
  const written = text.trim()
  if (PLAIN.test(written)) return Number(written)
  if (written.length > 100 || !WITH_UNITS.test(written)) return null
  let total = 0
  for (const [, count, unit] of written.matchAll(PART)) total += Number(count) * UNITS[unit as DurationUnit]
  return total
}

/**
 * @param span seconds, or numbers with their units
 * @returns    seconds, at least 0
 * @throws     RangeError for anything else; a caller that knows what the span was for says so in its own error
 */
export function seconds(span: Duration): number {
  const value = typeof span === 'number' ? span : typeof span === 'string' ? parseSeconds(span) : null
  if (value === null || !Number.isFinite(value) || value < 0) {
    throw new RangeError(
      `${JSON.stringify(span) ?? typeof span} is no span of time: give seconds, or a text such as '90s', '5m', '1h30m', '2d'`,
    )
  }
  return value
}
