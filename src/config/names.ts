/** What a setting may be called, newest name first: in a file or in code, and in the environment. */
import { ROWS, type SettingName } from './schema.js'
import { camel, snake } from './spelling.js'

export const ENV_PREFIX = 'TASKS_'

/** `brokerUrl`, `broker_url`, `BROKER_URL`. */
export function keysOf(name: SettingName): readonly string[] {
  const { celery = name, historic = [] } = ROWS.get(name)!
  return [...new Set([name, camel(celery), snake(name), celery, ...historic])]
}

/** `TASKS_BROKER_URL`, `CELERY_BROKER_URL`, `BROKER_URL`. */
export function variablesOf(name: SettingName): readonly string[] {
  const { celery, historic = [] } = ROWS.get(name)!
  const own = ENV_PREFIX + snake(name).toUpperCase()
  return [...new Set([own, ...(celery === undefined ? [] : [`CELERY_${celery.toUpperCase()}`]), ...historic])]
}

/** Every key that a file may hold, to its setting. */
export function allKeys(): ReadonlyMap<string, SettingName> {
  return new Map([...ROWS.keys()].flatMap((name) => keysOf(name).map((key) => [key, name] as const)))
}
