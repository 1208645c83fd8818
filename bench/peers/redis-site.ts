/** A site on a Redis server of its own: loopback, nothing on disk. */
import { Redis } from 'ioredis'
import { type RedisServer, startRedisServer } from '../../test/setup/redis-server.js'
import { type Command, Program } from '../program.js'
import type { Progress, Sending, Site } from './peer.js'

/** How one system is run against a server. */
export interface RedisSystem {
  producer(url: string, how: Sending, count: number): Command
  worker(url: string, concurrency: number): Command
  /** A command whose reply is the number of tasks that are done, and the database it is asked in. */
  readonly done: readonly [command: string, ...args: string[]]
  readonly doneDb: number
  /** A program that prints `listening 1` when it hears what workers tell; it is there before they are. */
  listener?(url: string): Command
}

export async function openRedisSite(redisServer: string, system: RedisSystem): Promise<Site> {
  const server = await startRedisServer(redisServer)
  const site = new RedisSite(server, system)
  await site.listen()
  return site
}

class RedisSite implements Site {
  readonly #server: RedisServer
  readonly #system: RedisSystem
  readonly #probe: Redis
  readonly #programs: Program[] = []

  constructor(server: RedisServer, system: RedisSystem) {
    this.#server = server
    this.#system = system
    this.#probe = new Redis(`${server.url}/${system.doneDb}`)
  }

  async listen(): Promise<void> {
    const command = this.#system.listener?.(this.#server.url)
    if (command !== undefined) await this.#start(command).values('listening', 1)
  }

  async send(how: Sending, count: number): Promise<number> {
    return this.#start(this.#system.producer(this.#server.url, how, count)).result('took')
  }

  startWorker(concurrency: number): Program {
    return this.#start(this.#system.worker(this.#server.url, concurrency))
  }

  async progress(): Promise<Progress> {
    const [command, ...args] = this.#system.done
    const replies = await this.#probe.multi([['time'], [command, ...args]]).exec()
    const [time, done] = (replies ?? []).map(([error, reply]) => {
      if (error) throw error
      return reply
    })
    const [seconds, microseconds] = time as [string, string]
    return { at: Number(seconds) * 1000 + Number(microseconds) / 1000, done: Number(done) }
  }

  async serverCpu(): Promise<number> {
    const info = await this.#probe.info('cpu')
    const used = (kind: string) => Number(new RegExp(`^used_cpu_${kind}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0)
    return used('sys') + used('user')
  }

  async close(): Promise<void> {
    this.#probe.disconnect()
    await Promise.all(this.#programs.map((program) => program.stop()))
    await this.#server.stop()
  }

  #start(command: Command): Program {
    const program = new Program(command)
    this.#programs.push(program)
    return program
  }
}
