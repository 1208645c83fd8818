/** The settings as `tasks config` shows them: each value, where it came from, what it overrode; without secrets. */
import type { LoadedSettings } from './load.js'
import { type Origin, originText } from './origin.js'
import { ROWS, type Row, type SettingName } from './schema.js'

export interface Explained {
  readonly name: SettingName
  /** As plain data, secrets masked; a function shows as `[function]`. */
  readonly value: unknown
  readonly unit: 'seconds' | 'bytes' | null
  readonly layer: Origin['layer']
  /** `TASKS_BROKER_URL in the environment`. */
  readonly origin: string
  readonly overridden: readonly { readonly value: unknown; readonly origin: string }[]
}

export function explain({ settings, provenance }: LoadedSettings): readonly Explained[] {
  return [...ROWS].map(([name, row]) => {
    const { origin, overridden } = provenance.get(name)!
    return {
      name,
      value: shown(row, settings[name]),
      unit: row.unit ?? null,
      layer: origin.layer,
      origin: originText(origin),
      overridden: overridden.map((other) => ({ value: shown(row, other.value), origin: originText(other.origin) })),
    }
  })
}

/** Plain data of a setting's value, without its secrets. */
export function shown(row: Row<unknown, unknown>, value: unknown): unknown {
  if (row.show !== undefined) return row.show(value)
  if (row.mask !== undefined && typeof value === 'string') return row.mask(value)
  if (typeof value === 'function') return '[function]'
  return Array.isArray(value) ? value.map((item) => shown(row, item)) : value
}
