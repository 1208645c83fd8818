/** The captured messages and results under test/fixtures/redis. */
import { readdirSync, readFileSync } from 'node:fs'

const FOLDER = new URL('../fixtures/redis/', import.meta.url)

export interface Fixture {
  readonly raw?: string
  readonly pushes?: readonly { readonly raw?: string; readonly body_decoded?: unknown }[]
  readonly body_decoded?: unknown
  readonly pushed?: unknown
  readonly result_writes?: readonly (readonly string[])[]
  readonly requests?: readonly { readonly raw: string; readonly body_decoded?: unknown }[]
  readonly replies?: readonly { readonly raw: string; readonly key?: string }[]
}

export function fixture(name: string): Fixture {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')) as Fixture
}

export function fixtureNames(start: string): readonly string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.startsWith(start) && file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
}

/** Every task message of a fixture, as it was in the queue. */
export function messagesOf(name: string): readonly Buffer[] {
  const { raw, pushed, pushes = [] } = fixture(name)
  const texts = [raw, ...pushes.map((push) => push.raw)].filter((text) => text !== undefined)
  if (pushed !== undefined) texts.push(typeof pushed === 'string' ? pushed : JSON.stringify(pushed))
  return texts.map((text) => Buffer.from(text, 'utf8'))
}

/** The only message of a fixture. */
export function messageOf(name: string): Buffer {
  const [message] = messagesOf(name)
  if (message === undefined) throw new Error(`no message in the fixture ${name}`)
  return message
}

/** Every result JSON of a fixture. */
export function resultsOf(name: string): readonly string[] {
  const { raw, result_writes: writes = [] } = fixture(name)
  const written = writes.filter(([command, key]) => /^SET/.test(command ?? '') && /^celery-task-meta-/.test(key ?? ''))
  return [...(raw !== undefined && name.startsWith('result-') ? [raw] : []), ...written.map((write) => write.at(-1) ?? '')]
}
