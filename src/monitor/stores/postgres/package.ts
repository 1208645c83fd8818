/** The package `pg`: optional, loaded when a `postgres://` URL is used. */
import type { Client, ClientConfig, types } from 'pg'
import { CelerityError } from '../../../errors.js'

/** What we use of it. */
export interface Pg {
  readonly Client: new (config: ClientConfig) => Client
  readonly types: typeof types
}

/** @throws E_MONITOR_URL when it is not installed */
export async function loadPg(): Promise<Pg> {
  try {
    const { default: pg } = await import('pg')
    return pg
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause
    throw new CelerityError('E_MONITOR_URL', {
      message: 'A PostgreSQL store of the monitor needs the package pg, which is not installed',
      hint: 'Install it beside celerity: npm install pg',
      cause,
    })
  }
}
