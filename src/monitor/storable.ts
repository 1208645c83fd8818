/** Texts as both databases take them, so that what is merged is what was stored: no NUL (PostgreSQL), no halves of surrogate pairs. */
import type { ClusterEvent } from '../protocol/event.js'

const UNSTORABLE = /[\0\p{Cs}]/gu

export function storable<Event extends ClusterEvent>(event: Event): Event {
  const hostname = clean(event.hostname)
  const bad = Object.entries(event.fields).filter(([, value]) => typeof value === 'string' && clean(value) !== value)
  if (bad.length === 0 && hostname === event.hostname) return event
  const fields = Object.fromEntries(bad.map(([key, value]) => [key, clean(String(value))]))
  return { ...event, hostname, fields: { ...event.fields, ...fields } }
}

/** The same event without what may hold personal data. */
export function withoutArguments<Event extends ClusterEvent>(event: Event): Event {
  const { args: _args, kwargs: _kwargs, result: _result, ...fields } = event.fields
  return { ...event, fields }
}

function clean(text: string): string {
  return text.replace(UNSTORABLE, '\ufffd')
}
