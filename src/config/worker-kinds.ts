/** The kinds of setting that only workers have. */
import { fine, isObject, type Kind, mismatch, oneOf, type Read } from './kinds.js'

/** What others may ask of a worker, and have it do. Celery's `worker_enable_remote_control` says it as true and false. */
export function remoteControl(): Kind<'off' | 'inspect' | 'full', 'off' | 'inspect' | 'full' | boolean> {
  const words = { true: 'full', '1': 'full', yes: 'full', on: 'full', false: 'off', '0': 'off', no: 'off' } as const
  const { expected, read, readText } = oneOf(['off', 'inspect', 'full'], words)
  return { expected, readText, read: (given) => read(typeof given === 'boolean' ? String(given) : given) }
}

/** How many tasks run at once. */
export interface AutoscaleSetting {
  readonly max: number
  readonly min: number
}

const MAX_CONCURRENCY = 10_000

/** `10,3`, as on Celery's command line; `10`, down to one; or `{ max: 10, min: 3 }`. */
export function autoscale(): Kind<AutoscaleSetting, AutoscaleSetting | { readonly max: number } | string | number> {
  const expected = "MAX,MIN such as '10,3': how many tasks at once at most and at least"
  const read = (given: unknown): Read<AutoscaleSetting> => {
    const [max, min] = boundsOf(given)
    return isCount(max) && isCount(min) && min <= max ? fine({ max, min }) : mismatch(expected, given)
  }
  return { expected, read, readText: read }
}

function boundsOf(given: unknown): readonly [unknown, unknown] {
  if (isObject(given)) return [given['max'], given['min'] ?? 1]
  const [max = '', min = '1'] = String(given).split(',', 2)
  return [wholeOf(max), Math.max(1, wholeOf(min))] // Celery's least is 0; one that could run nothing would never grow here
}

function wholeOf(text: string): number {
  return /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : Number.NaN
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= MAX_CONCURRENCY
}
