/** The brokers a scenario is played on: how to reach them, how to put them out of reach, and what is left in them. */
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Context } from 'mocha'
import { startRedis } from '../setup/servers.js'
import { type GroupProcess, startProgram } from './processes.js'

export interface Stand {
  readonly url: string
  /** Puts it out of reach; `back` ends that. */
  away(): Promise<{ back(): Promise<void> }>
  /** Whether somebody else could write to it now. */
  isWritable(): Promise<boolean>
  /** How many workers it knows, dead ones that nobody has found yet included. */
  registered(): Promise<number>
  /** What the broker still holds and should not when everything is done: one line each, empty when all is well. */
  residue(): Promise<readonly string[]>
  close(): Promise<void>
}

/** A server of its own, which keeps what it has acknowledged when it is killed. */
export async function redisStand(context: Context): Promise<Stand> {
  const server = await startRedis(context, { durable: true })
  return {
    url: server.url,
    async away() {
      await server.kill()
      return { back: () => server.restart() }
    },
    isWritable: async () => true,
    registered: () => asked(server.url, (client) => client.hlen('celerity:workers')),
    residue: () => asked(server.url, redisResidue),
    close: () => server.stop(),
  }
}

async function asked<T>(url: string, question: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url)
  try {
    return await question(client)
  } finally {
    client.disconnect()
  }
}

/** Results, kombu's bindings, the names of queues. */
const STAYS = /^(celery-task-meta-.*|_kombu\.binding\..*|celerity:queues)$/
/** What is remembered for a while on purpose: producers' marks, how often a task was found with a dead worker, last words of the killed. */
const EXPIRES = /^celerity:((producer|deliveries):|note[ds]$)/

async function redisResidue(client: Redis): Promise<string[]> {
  const keys = (await client.keys('*')).filter((key) => !STAYS.test(key))
  const found = await Promise.all(keys.map(async (key) => ({ key, ttl: await client.ttl(key) })))
  return found.filter(({ key, ttl }) => !(EXPIRES.test(key) && ttl > 0)).map(({ key }) => key)
}

/** A file in `folder`. Out of reach: another process holds its lock. */
export async function sqliteStand(folder: string): Promise<Stand> {
  const path = join(folder, 'tasks.db')
  const aside = (command: string) => startProgram('sqlite-side.ts', [command, path], { PATH: process.env['PATH'] })
  const ask = async (command: string) => {
    const asked = aside(command)
    await asked.ended
    return asked.output.split('\n').filter((line) => line !== '')
  }
  let holder: GroupProcess | undefined
  return {
    url: `sqlite:${path}`,
    async away() {
      const lock = aside('lock')
      holder = lock
      await lock.said(/locked/)
      return { back: () => lock.end() }
    },
    isWritable: async () => (await ask('try')).includes('free'),
    registered: async () => Number((await ask('count')).find((line) => line.endsWith('broker_worker'))?.split(' ')[0] ?? 0),
    residue: () => ask('count'),
    async close() {
      await holder?.end()
    },
  }
}
