import { createRequire } from 'node:module'
import type { Command } from '../program.js'
import { program } from './celerity.js'
import type { Peer } from './peer.js'
import { openRedisSite } from './redis-site.js'

export function bullmq(redisServer: string): Peer {
  return {
    name: `BullMQ ${versionOf('bullmq')}`,
    open: () =>
      openRedisSite(redisServer, {
        producer: (url, how, count) => node('bullmq-producer.js', [how, `${count}`], url),
        worker: (url, concurrency) => node('bullmq-worker.js', [`${concurrency}`], url),
        done: ['zcard', 'bull:bench:completed'],
        doneDb: 0,
      }),
  }
}

export function node(name: string, args: readonly string[], url: string): Command {
  return { file: process.execPath, args: [program(name), ...args], env: { BENCH_URL: url } }
}

export function versionOf(name: string): string {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { readonly version: string }
  return version
}
