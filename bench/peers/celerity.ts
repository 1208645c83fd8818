/** Ourselves: the built command line, and the package as an application imports it. */
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { VERSION } from '../../src/version.js'
import type { Command } from '../program.js'
import type { Peer, Sending } from './peer.js'
import { openRedisSite } from './redis-site.js'

/** Results have a database of their own, where they can be counted. */
export const RESULTS_DB = 1

export function celerityOnRedis(redisServer: string): Peer {
  return {
    name: `Celerity ${VERSION}`,
    open: () =>
      openRedisSite(redisServer, {
        producer: (url, how, count) => producer(settings(url), how, count),
        worker: (url, concurrency) => worker(settings(url), concurrency),
        done: ['dbsize'],
        doneDb: RESULTS_DB,
      }),
  }
}

/** The same, its workers telling of every task; with somebody who listens, or nobody. */
export function celerityTelling(redisServer: string, isHeard: boolean): Peer {
  return {
    name: isHeard ? 'events, heard' : 'events, nobody listens',
    open: () =>
      openRedisSite(redisServer, {
        producer: (url, how, count) => producer(settings(url), how, count),
        worker: (url, concurrency) => worker({ ...settings(url), TASKS_WORKER_SEND_TASK_EVENTS: 'true' }, concurrency),
        done: ['dbsize'],
        doneDb: RESULTS_DB,
        ...(isHeard ? { listener } : {}),
      }),
  }
}

type Environment = Readonly<Record<string, string>>

function settings(url: string): Environment {
  return { TASKS_BROKER_URL: url, TASKS_RESULT_BACKEND: `${url}/${RESULTS_DB}` }
}

export function producer(env: Environment, how: Sending, count: number): Command {
  return { file: process.execPath, args: [program('celerity-producer.js'), how, `${count}`], env, cwd: tmpdir() }
}

export function worker(env: Environment, concurrency: number): Command {
  const tasks = fileURLToPath(new URL('../../bin/tasks.js', import.meta.url))
  const args = [tasks, 'worker', '-A', program('celerity-app.js'), '-c', `${concurrency}`, '-l', 'warning']
  return { file: process.execPath, args, env, cwd: tmpdir() }
}

function listener(url: string): Command {
  return { file: process.execPath, args: [program('listener.js'), url], cwd: tmpdir() }
}

export function program(name: string): string {
  return fileURLToPath(new URL(`../programs/${name}`, import.meta.url))
}
