/** Spans of time as people write them. Everywhere in the API and the settings a plain number is seconds, as in Celery. */

const UNITS = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const

export type DurationUnit = keyof typeof UNITS

/** Seconds, or a number with its unit: `90`, `'90s'`, `'5m'`, `'1.5h'`, `'250ms'`. */
export type Duration = number | `${number}${DurationUnit}`

const WRITTEN = /^(\d{1,15}(?:\.\d{1,9})?)(ms|s|m|h|d|w)?$/

/** The seconds in `text` (`'5m'`, `'250ms'`; no unit: seconds), or null when it is no span. Never throws. */
export function parseSeconds(text: string): number | null {
  const match = WRITTEN.exec(text.trim())
  if (match === null) return null
  return Number(match[1]) * UNITS[(match[2] ?? 's') as DurationUnit]
}

/**
 * @param span seconds, or a number with its unit
 * @returns    seconds, at least 0
 * @throws     RangeError for anything else; a caller that knows what the span was for says so in its own error
 */
export function seconds(span: Duration): number {
  const value = typeof span === 'number' ? span : typeof span === 'string' ? parseSeconds(span) : null
  if (value === null || !Number.isFinite(value) || value < 0) {
    throw new RangeError(
      `${JSON.stringify(span) ?? typeof span} is no span of time: give seconds, or a text such as '90s', '5m', '2h', '1d'`,
    )
  }
  return value
}
