/** Python's Celery, prefork with two children (`celery worker -c 2`), as Debian has it. Its queue is filled by us: the messages are the same. */
import { execFileSync } from 'node:child_process'
import { dirname } from 'node:path'
import type { Command } from '../program.js'
import { producer, program, RESULTS_DB } from './celerity.js'
import type { Peer } from './peer.js'
import { openRedisSite } from './redis-site.js'

const CHILDREN = 2

export function celery(redisServer: string, python: string): Peer {
  const version = execFileSync(python, ['-c', 'import celery; print(celery.__version__)'], { encoding: 'utf8' }).trim()
  const source = program('celery_bench.py')
  const command = (url: string, args: readonly string[]): Command => ({
    file: python,
    args,
    env: { BENCH_URL: url, BENCH_RESULTS: `${url}/${RESULTS_DB}`, PYTHONDONTWRITEBYTECODE: '1' },
    cwd: dirname(source),
  })
  const workerArgs = ['-m', 'celery', '-A', 'celery_bench', 'worker', '-P', 'prefork', '-c', `${CHILDREN}`, '-l', 'warning']
  return {
    name: `Celery ${version}`,
    open: () =>
      openRedisSite(redisServer, {
        producer: (url, how, count) =>
          how === 'awaited' ? command(url, [source, how, `${count}`]) : producer({ TASKS_BROKER_URL: url }, how, count),
        worker: (url) => command(url, workerArgs),
        done: ['dbsize'],
        doneDb: RESULTS_DB,
      }),
  }
}
