/** Settings as a start-up banner shows them. */
import { type Explained, explain } from '../config/explain.js'
import type { LoadedSettings } from '../config/load.js'
import type { SettingName } from '../config/schema.js'
import type { BannerLine } from '../terminal/banner.js'
import { spanText } from '../terminal/time.js'

/** @returns the line of a setting; `value` in place of its own */
export function settingLines(settings: LoadedSettings): (name: string, setting: SettingName, value?: string) => BannerLine {
  const all = new Map(explain(settings).map((one) => [one.name, one]))
  return (name, setting, value) => {
    const explained = all.get(setting)!
    return { name, value: value ?? shown(explained), origin: explained.layer === 'default' ? null : explained.origin }
  }
}

/** Without its secrets. */
export function urlOf(settings: LoadedSettings, name: SettingName): unknown {
  return explain(settings).find((one) => one.name === name)?.value
}

function shown({ value, unit }: Explained): string {
  if (unit === 'seconds' && typeof value === 'number') return spanText(value)
  return typeof value === 'string' ? value : value === null ? 'none' : JSON.stringify(value)
}
