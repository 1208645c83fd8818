/** The kinds of setting that only workers have. */
import { type Kind, oneOf } from './kinds.js'

/** What others may ask of a worker, and have it do. Celery's `worker_enable_remote_control` says it as true and false. */
export function remoteControl(): Kind<'off' | 'inspect' | 'full', 'off' | 'inspect' | 'full' | boolean> {
  const words = { true: 'full', '1': 'full', yes: 'full', on: 'full', false: 'off', '0': 'off', no: 'off' } as const
  const { expected, read, readText } = oneOf(['off', 'inspect', 'full'], words)
  return { expected, readText, read: (given) => read(typeof given === 'boolean' ? String(given) : given) }
}
