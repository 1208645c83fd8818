/** Who can be measured on this machine, and why others can't. */

import { findPostgres } from '../../test/setup/postgres-server.js'
import { provideTools } from '../../test/setup/tools.js'
import { bullmq } from './bullmq.js'
import { celerityOnRedis, celerityTelling } from './celerity.js'
import { celerityOnSqlite } from './celerity-on-sqlite.js'
import { celery } from './celery.js'
import { graphile } from './graphile.js'
import type { Peer } from './peer.js'

export interface Peers {
  readonly celerity: Peer
  /** Ourselves with events, which somebody hears, or nobody. */
  readonly heard: Peer
  readonly unheard: Peer
  readonly onSqlite: Peer
  readonly bullmq: Peer
  readonly celery: Peer | null
  readonly graphile: Peer | null
  /** A sentence for each that is left out. */
  readonly missing: readonly string[]
}

/** Finds the servers and Python, or gets them from Debian. @throws Error without a redis-server: then nothing can be compared */
export function findPeers(): Peers {
  const { redisServer, python } = provideTools()
  if (redisServer.path === undefined) throw new Error(redisServer.missing)
  const postgres = findPostgres()
  const missing: string[] = []
  if (python.path === undefined) missing.push(`Python's Celery is left out: ${python.missing}`)
  if (postgres === undefined) missing.push('graphile-worker is left out: no PostgreSQL on this machine')
  return {
    celerity: celerityOnRedis(redisServer.path),
    heard: celerityTelling(redisServer.path, true),
    unheard: celerityTelling(redisServer.path, false),
    onSqlite: celerityOnSqlite(),
    bullmq: bullmq(redisServer.path),
    celery: python.path === undefined ? null : celery(redisServer.path, python.path),
    graphile: postgres === undefined ? null : graphile(postgres),
    missing,
  }
}
