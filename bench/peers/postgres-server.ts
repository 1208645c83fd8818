/** A private PostgreSQL, which as Redis here writes nothing to disk that it has to wait for. */
import { startPostgresServer } from '../../test/setup/postgres-server.js'
import { cpuSecondsOf } from '../program.js'

export interface PostgresServer {
  readonly url: string
  cpuSeconds(): number
  stop(): Promise<void>
}

/** @param bin the folder of `initdb` and `postgres` */
export async function startPostgres(bin: string): Promise<PostgresServer> {
  const server = await startPostgresServer(bin, ['synchronous_commit=off'])
  return { url: server.url, cpuSeconds: () => cpuSecondsOf(server.pid), stop: () => server.stop() }
}
