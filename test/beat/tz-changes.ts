/** The clock changes of all zones that this Node knows, found by looking: nothing of src/beat is used. */

const DAY = 86_400_000
const FROM = Date.UTC(2020, 0, 1)
const TO = Date.UTC(2031, 0, 1)

export interface Change {
  readonly at: number
  /** Milliseconds east of UTC. */
  readonly before: number
  readonly after: number
}

export interface ZoneChanges {
  readonly zone: string
  readonly changes: readonly Change[]
}

/** Each zone with changes from 2020 to 2030, in the order of the tz database. */
export function zonesWithChanges(): readonly ZoneChanges[] {
  const zones = Intl.supportedValuesOf('timeZone').map((zone) => ({ zone, changes: changesOf(zone) }))
  return zones.filter(({ changes }) => changes.length > 0)
}

/** One zone for each distinct history, and always those named. */
export function distinct(zones: readonly ZoneChanges[], always: readonly string[]): readonly ZoneChanges[] {
  const kept = new Map<string, ZoneChanges>()
  for (const one of zones) {
    const history = one.changes.map(({ at, after }) => `${at}:${after}`).join()
    if (!kept.has(history) || always.includes(one.zone)) kept.set(history, one)
  }
  return [...kept.values()]
}

function changesOf(zone: string): readonly Change[] {
  const offset = offsetOf(zone)
  const changes: Change[] = []
  for (let from = FROM, before = offset(from); from < TO; from += 10 * DAY) {
    const after = offset(from + 10 * DAY)
    if (after === before) continue
    let [low, high] = [from, from + 10 * DAY]
    while (high - low > 1000) {
      const middle = Math.floor((low + high) / 2000) * 1000
      if (offset(middle) === before) low = middle
      else high = middle
    }
    changes.push({ at: high, before, after })
    before = after
  }
  return changes
}

function offsetOf(zone: string): (at: number) => number {
  const numeric = 'numeric' as const
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, hourCycle: 'h23', year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric },
  })
  return (at) => {
    const [month, day, year, hour, minute, second] = (format.format(at).match(/\d+/g) ?? []).map(Number) as [
      ...[number, number, number, number, number, number],
    ]
    return Date.UTC(year, month - 1, day, hour, minute, second) - at
  }
}
