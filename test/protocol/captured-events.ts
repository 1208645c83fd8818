/** The captured events under test/fixtures/redis. */
import { readFileSync } from 'node:fs'

const FOLDER = new URL('../fixtures/redis/', import.meta.url)

/** One event as its sender wrote it. */
export type RawEvent = Readonly<Record<string, unknown>> & { readonly type: string }

export interface CapturedMessage {
  readonly channel: string
  readonly raw: string
  readonly body_decoded: RawEvent | readonly RawEvent[]
}

/** Messages of Celery 5.6.3 and 5.2.6, one of each kind at least. */
export function capturedMessages(): readonly CapturedMessage[] {
  const of = (publishes: readonly CapturedMessage[]) => publishes.filter(({ channel }) => channel.includes('celeryev'))
  return [
    ...of(read('events-raw-messages').messages),
    ...of(read('event-task-sent').publishes),
    ...of(read('celery52-roundtrip').publishes).map((one) => ({ ...one, body_decoded: bodyOf(one.raw) })),
  ]
}

/** Events by type, from two workers and a client. */
export function capturedTypes(): Readonly<Record<string, readonly RawEvent[]>> {
  const types = Object.entries(read('events-every-type').events as Record<string, readonly { event: RawEvent }[]>)
  return Object.fromEntries(types.map(([type, seen]) => [type, seen.map(({ event }) => event)]))
}

/** Time limits, lost processes, revocations and the like, in the order in which they came. */
export function capturedSpecialCases(): readonly RawEvent[] {
  return (read('events-special-cases').events as readonly { event: RawEvent }[]).map(({ event }) => event)
}

/** The parsed body of an envelope. */
export function bodyOf(raw: string): RawEvent | readonly RawEvent[] {
  return JSON.parse(Buffer.from(JSON.parse(raw).body, 'base64').toString())
}

/** The envelope that carries `body`, as kombu writes it. */
export function envelopeOf(body: unknown, change: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)).toString('base64'),
    'content-encoding': 'utf-8',
    'content-type': 'application/json',
    headers: { hostname: 'w1@host1' },
    properties: {
      delivery_mode: 1,
      body_encoding: 'base64',
      delivery_info: { exchange: 'celeryev', routing_key: 'task.multi' },
      priority: 0,
    },
    ...change,
  })
}

function read(name: string) {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8'))
}
