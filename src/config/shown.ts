/** Settings as a worker shows them to others: Celery's names and values, secrets masked. */
import { shown } from './explain.js'
import { ROWS, type SettingName, type Settings } from './schema.js'
import { snake } from './spelling.js'

/** @param options.defaults those too that have their default */
export function shownSettings(settings: Settings, { defaults }: { readonly defaults: boolean }): Readonly<Record<string, unknown>> {
  const entries: [string, unknown][] = []
  for (const [name, row] of ROWS) {
    const value = settings[name]
    if (!defaults && isAlike(value, row.default)) continue
    entries.push([row.celery ?? snake(name), celeryValue(name, shown(row, value))])
  }
  return Object.fromEntries(entries)
}

/** Where Celery says the same in other words. */
function celeryValue(name: SettingName, value: unknown): unknown {
  if (name === 'taskAcks') return value === 'late'
  if (name === 'workerEnableRemoteControl') return value === 'inspect' ? value : value === 'full'
  return value
}

function isAlike(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}
