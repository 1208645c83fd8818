/** Who a visitor said they are, kept for two weeks. Plain functions, as in wiki.ts. */
import { randomUUID } from 'node:crypto'
import { store } from './wiki.js'

interface Session {
  readonly by: string
  /** Milliseconds since 1970. */
  readonly until: number
}

const LIFE = 14 * 86_400

/** @returns the id, for a cookie, and its seconds */
export async function openSession(by: string): Promise<{ readonly id: string; readonly maxAge: number }> {
  const id = randomUUID()
  await store.write('sessions', id, { by, until: Date.now() + LIFE * 1000 } satisfies Session)
  return { id, maxAge: LIFE }
}

/** The name; null when there is no such session any more. */
export async function visitor(id: string | undefined): Promise<string | null> {
  const session = id === undefined ? null : await store.read<Session>('sessions', id)
  return session === null || session.until <= Date.now() ? null : session.by
}

/** Forgets those that are over; returns how many. */
export async function cleanSessions(now: number, signal: AbortSignal): Promise<number> {
  let removed = 0
  for (const id of await store.keys('sessions')) {
    signal.throwIfAborted()
    const session = await store.read<Session>('sessions', id)
    if (session === null || session.until > now) continue
    await store.remove('sessions', id)
    removed++
  }
  return removed
}
