/** Builds envelopes for tests: a good one, with what matters changed. */
export interface EnvelopeChanges {
  readonly headers?: Readonly<Record<string, unknown>>
  readonly properties?: Readonly<Record<string, unknown>>
  /** The decoded body. */
  readonly body?: unknown
  /** Members of the envelope itself; these win. */
  readonly envelope?: Readonly<Record<string, unknown>>
}

export function anEnvelope(changes: EnvelopeChanges = {}): Buffer {
  const body = JSON.stringify(changes.body ?? [[1, 2], {}, {}])
  return Buffer.from(
    JSON.stringify({
      body: Buffer.from(body, 'utf8').toString('base64'),
      'content-encoding': 'utf-8',
      'content-type': 'application/json',
      headers: { lang: 'py', task: 'proj.add', id: 'id-1', ...changes.headers },
      properties: { body_encoding: 'base64', delivery_info: { exchange: '', routing_key: 'celery' }, ...changes.properties },
      ...changes.envelope,
    }),
    'utf8',
  )
}
