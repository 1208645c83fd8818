/** What the tests open a database with: one table, and the error codes of a broker. */
import { systemClock } from '../../src/clock.js'
import { silentLog } from '../../src/log.js'
import type { DatabaseOptions } from '../../src/sqlite/database.js'

export const OPTIONS: DatabaseOptions = {
  schema: { room: 'test', migrations: ['CREATE TABLE file.line (text TEXT)'] },
  deadlineMs: 5_000,
  clock: systemClock,
  log: silentLog,
  codes: {
    url: 'E_BROKER_URL',
    busy: 'E_BROKER_UNREACHABLE',
    full: 'E_BROKER_UNREACHABLE',
    large: 'E_BROKER_REFUSED',
    readonly: 'E_BROKER_REFUSED',
    damaged: 'E_BROKER_REFUSED',
    unsafe: 'E_BROKER_UNSAFE',
    io: 'E_BROKER_UNREACHABLE',
    closed: 'E_BROKER_UNREACHABLE',
  },
}
