/** An application on brokers and result stores of its own, in memory. */
import { randomUUID } from 'node:crypto'
import { Celerity, type CelerityParts } from '../../src/app/celerity.js'
import { settingsOf } from '../../src/config/load.js'
import type { SettingsInput } from '../../src/config/schema.js'
import { createLog, type Log, type LogFields } from '../../src/log.js'
import { DEFAULT_LIMITS, decodeMessage, type TaskMessage } from '../../src/protocol/message.js'

export function anApp(settings: SettingsInput = {}, parts: CelerityParts = {}): Celerity {
  const url = `memory://${randomUUID()}`
  const app = new Celerity('kuma', {}, parts)
  app.configure(settingsOf({ brokerUrl: url, resultBackend: url, ...settings }), parts.log)
  return app
}

/** The messages that wait in `queue`, oldest first. */
export async function waiting(app: Celerity, queue = 'celery'): Promise<TaskMessage[]> {
  const broker = await app.broker()
  return (await broker.queues.peek(queue, 10_000)).map(read)
}

export function read(raw: Buffer): TaskMessage {
  const decoded = decodeMessage(raw, DEFAULT_LIMITS)
  if (!decoded.ok) throw new Error(`${decoded.bad.code}: ${decoded.bad.detail}`)
  return decoded.message
}

export interface Line {
  readonly level: string
  readonly text: string
  readonly fields: LogFields
}

export function aLog(): { readonly log: Log; readonly lines: Line[] } {
  const lines: Line[] = []
  return { lines, log: createLog('debug', (level, text, fields) => lines.push({ level, text, fields })) }
}

/** What `work` rejects with; fails when it does not. */
export async function failureOf(work: Promise<unknown> | (() => unknown)): Promise<Error & { code?: string; hint?: string }> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    return error as Error
  }
  throw new Error('it was to fail, and did not')
}
