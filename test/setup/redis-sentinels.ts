import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { eventually } from '../eventually.js'
import { freePort } from './free-port.js'
import { endWithUs, type Guard } from './guard.js'
import { type RedisServer, startRedisServer } from './redis-server.js'

export const MASTER = 'kuma'

/** One primary, two replicas, and three sentinels that watch them and take a second to call the primary dead. */
export interface SentinelSet {
  /** `sentinel://h1,h2,h3/0?master=…`. */
  readonly url: string
  readonly sentinels: readonly number[]
  readonly servers: readonly RedisServer[]
  /** The port that the sentinels name now. */
  primary(): Promise<number>
  /** Has a replica promoted while the primary lives. */
  handOver(): Promise<void>
  stop(): Promise<void>
}

interface Process {
  readonly child: ChildProcess
  readonly guard: Guard
}

/** @param password of the servers, and another one of the sentinels */
export async function startSentinels(
  binary: string,
  password?: { readonly server: string; readonly sentinel: string },
): Promise<SentinelSet> {
  const folder = mkdtempSync(join(tmpdir(), 'celerity-sentinel-'))
  const auth = password === undefined ? [] : ['--requirepass', password.server, '--masterauth', password.server]
  // What a failover gives to the new primary is what the replica has: no disk is needed for that.
  const quick = ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1', ...auth]
  const primary = await startRedisServer(binary, { args: quick })
  const follow = ['--replicaof', '127.0.0.1', `${primary.port}`, ...quick]
  const replicas = await Promise.all([1, 2].map(() => startRedisServer(binary, { args: follow })))
  const servers = [primary, ...replicas]
  const sentinels: number[] = []
  const processes: Process[] = []
  for (const number of [1, 2, 3]) {
    const port = await freePort()
    const file = join(folder, `${number}.conf`)
    writeFileSync(file, sentinelFile(port, primary.port, password))
    const child = spawn(binary, [file, '--sentinel'], { stdio: 'ignore' })
    child.unref()
    processes.push({ child, guard: endWithUs(child.pid as number, folder) })
    sentinels.push(port)
  }

  const ask = async <T>(port: number, work: (client: Redis) => Promise<T>): Promise<T> => {
    const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => null, ...(password && { password: password.sentinel }) })
    client.on('error', () => {})
    try {
      return await work(client)
    } finally {
      client.disconnect()
    }
  }
  const named = (port: number) =>
    ask(port, (client) => client.call('SENTINEL', 'get-master-addr-by-name', MASTER) as Promise<string[] | null>)
  // All know of each other and of both replicas: only then can they agree on a failover.
  const isComplete = (port: number) =>
    ask(port, async (client) => {
      const [others, followers] = await Promise.all(
        ['sentinels', 'replicas'].map((of) => client.call('SENTINEL', of, MASTER) as Promise<unknown[]>),
      )
      return others?.length === 2 && followers?.length === 2
    }).catch(() => false)
  await eventually(async () => (await Promise.all(sentinels.map(isComplete))).every(Boolean), 15)

  return {
    url: `sentinel://${password ? `:${password.server}@` : ''}${sentinels.map((port) => `127.0.0.1:${port}`).join(',')}/0?master=${MASTER}`,
    sentinels,
    servers,
    async primary() {
      const answers = await Promise.all(sentinels.map((port) => named(port).catch(() => null)))
      return Number(answers.find((answer) => answer !== null)?.[1])
    },
    async handOver() {
      await ask(sentinels[0] as number, (client) => client.call('SENTINEL', 'failover', MASTER))
    },
    async stop() {
      for (const { child, guard } of processes) {
        guard.dismiss()
        child.kill('SIGKILL')
      }
      await Promise.all(servers.map((server) => server.stop()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function sentinelFile(port: number, primary: number, password?: { readonly server: string; readonly sentinel: string }): string {
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor ${MASTER} 127.0.0.1 ${primary} 2`,
    `sentinel down-after-milliseconds ${MASTER} 1000`,
    `sentinel failover-timeout ${MASTER} 5000`,
    `sentinel parallel-syncs ${MASTER} 2`,
    ...(password === undefined
      ? []
      : [
          `requirepass "${password.sentinel}"`,
          `sentinel sentinel-pass "${password.sentinel}"`,
          `sentinel auth-pass ${MASTER} "${password.server}"`,
        ]),
    '',
  ].join('\n')
}
