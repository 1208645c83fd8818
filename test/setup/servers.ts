/**
 * The real servers, for tests. Each function takes mocha's context (`this` of a `before` or `it`), since on a machine that is not
 * Debian a tool may be missing: the test is then skipped, and the run says why in the end.
 */
import type { Context } from 'mocha'
import pg from 'pg'
import { type PostgresServer, startPostgresServer } from './postgres-server.js'
import { type RedisCluster, startCluster } from './redis-cluster.js'
import { type SentinelSet, startSentinels } from './redis-sentinels.js'
import { DATABASES, type RedisServer, type RedisServerOptions, startRedisServer } from './redis-server.js'
import { findTools, type Tool } from './tools.js'

export type { PostgresServer } from './postgres-server.js'
export type { RedisServer } from './redis-server.js'

let shared: Promise<RedisServer> | undefined
let database = 0
let sharedPostgres: Promise<PostgresServer> | undefined
let postgresDatabase = 0

/** URL of an empty database that no other caller in this run gets, on the run's own server. */
export async function redisUrl(context: Context): Promise<string> {
  const binary = need(context, redisServer())
  const server = process.env.TEST_REDIS_URL ?? (await ownServer(binary)).url
  if (++database >= DATABASES) throw new Error(`more than ${DATABASES} databases asked for: raise DATABASES in redis-server.ts`)
  return `${server}/${database}`
}

/** The program, for scenarios that start servers themselves; undefined where there is none. */
export function redisServerPath(): string | undefined {
  return redisServer().path
}

/** A server of one's own, for tests that kill, pause or starve it. Call `stop()` in `after`. */
export function startRedis(context: Context, options?: RedisServerOptions): Promise<RedisServer> {
  return startRedisServer(need(context, redisServer()), options)
}

/** A primary, two replicas and three sentinels, with passwords where they are given. Call `stop()` in `after`. */
export function startRedisSentinels(
  context: Context,
  password?: { readonly server: string; readonly sentinel: string },
): Promise<SentinelSet> {
  return startSentinels(need(context, redisServer()), password)
}

/** A cluster of three nodes, and a replica of the one that holds `key`. Call `stop()` in `after`. */
export function startRedisCluster(context: Context, key: string): Promise<RedisCluster> {
  return startCluster(need(context, redisServer()), key)
}

/** URL of an empty PostgreSQL database that no other caller in this run gets. The server is started with the first of them. */
export async function postgresUrl(context: Context): Promise<string> {
  sharedPostgres ??= startPostgresServer(need(context, postgres()))
  const { url } = await sharedPostgres
  const name = `test_${++postgresDatabase}`
  const client = new pg.Client(url)
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`)
  await client.end()
  return url.replace(/\/postgres$/, `/${name}`)
}

/** A PostgreSQL of one's own, for tests that stop it. Call `stop()` in `after`. */
export function startPostgres(context: Context): Promise<PostgresServer> {
  return startPostgresServer(need(context, postgres()))
}

/** Path of the Python that has Celery and redis; run Celery's commands with `-m celery`. */
export function python(context: Context): string {
  const path = process.env.TEST_PYTHON
  return need(context, path === undefined ? toolFromRun('python') : { path })
}

/** Path of tmux. Give it a server of its own (`-L name`), and end that in `after`. */
export function tmux(context: Context): string {
  const path = process.env.TEST_TMUX
  return need(context, path === undefined ? toolFromRun('tmux') : { path })
}

/** The environment of a process whose wall clock is off by what `file` says, such as `+3600` seconds; when that is written anew, it jumps. */
export function fakeClock(context: Context, file: string): Readonly<Record<string, string>> {
  const path = process.env.TEST_FAKETIME
  const library = need(context, path === undefined ? toolFromRun('faketime') : { path })
  return { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' }
}

function redisServer(): Tool {
  const path = process.env.TEST_REDIS_SERVER
  return path === undefined ? toolFromRun('redis') : { path }
}

function postgres(): Tool {
  const path = process.env.TEST_POSTGRES
  return path === undefined ? toolFromRun('postgres') : { path }
}

/** Under `npm test` what is missing was found missing there; under plain mocha we look ourselves. */
function toolFromRun(name: 'redis' | 'python' | 'tmux' | 'faketime' | 'postgres'): Tool {
  const missing = process.env.TEST_MISSING
  if (missing !== undefined) return { missing: (JSON.parse(missing) as Record<string, string>)[name] ?? name }
  const tools = findTools()
  return name === 'redis' ? tools.redisServer : tools[name]
}

function need(context: Context, tool: Tool): string {
  return tool.path ?? context.skip()
}

/** Plain mocha, without `npm test`: one server for the whole process, ended with it. */
function ownServer(binary: string): Promise<RedisServer> {
  shared ??= startRedisServer(binary)
  return shared
}
