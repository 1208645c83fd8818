/** The mechanisms that calibrate.ts takes out of a copy of the build, one at a time, and the scenarios that have to notice. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Patch {
  /** Of the compiler's output. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface Break {
  readonly name: string
  readonly patches: readonly Patch[]
  /** What has to notice: the arguments of `npm run chaos`. */
  readonly scenario: string
  /** Default: both. */
  readonly brokers?: readonly string[]
}

/** Unless said. */
export const BOTH = ['redis', 'sqlite']
const KILLS = 'T1a'
export const BREAKS: readonly Break[] = [
  {
    name: 'the lease is not renewed',
    patches: [
      { file: 'src/worker/keeper/lease.js', find: 'await broker.renew(incarnation, board.started())', replace: "{ kind: 'kept' }" },
    ],
    scenario: 'T7 --tasks 1',
  },
  {
    name: 'acked when it starts, called at least once',
    patches: [{ file: 'src/app/task-policy.js', find: 'acks: said.acks ?? declared.acks ?? settings.taskAcks', replace: "acks: 'early'" }],
    scenario: KILLS,
  },
  {
    name: 'acked before the result is stored',
    patches: [
      {
        file: 'src/worker/settler.js',
        find: 'await this.#parts.consumer.settle(await storeResults(batch, this.#parts.results))',
        replace: `await (async () => {
          const bare = await this.#parts.consumer.settle(batch.map(({ settlement }) => ({ ...settlement, writes: [] })))
          await new Promise((resolve) => setTimeout(resolve, 5))
          await this.#parts.results.set(batch.flatMap(({ settlement }) => (settlement.writes ?? []).map((write) => {
            const json = write.kind === 'redis' ? write.value : write.values[3]
            return { id: JSON.parse(json).task_id, state: JSON.parse(json).status, json, ttl: 3600 }
          })))
          return bare
        })()`,
      },
    ],
    scenario: KILLS,
  },
  {
    name: 'nobody gives back what a dead worker held',
    patches: [
      { file: 'src/broker/redis/adapter.js', find: '[reap(', replace: '[(async () => [])(' },
      { file: 'src/broker/sqlite/adapter.js', find: 'await this.#reap(judge)', replace: '[]' },
    ],
    scenario: KILLS,
  },
  {
    name: 'a slot is free before its outcome is stored',
    patches: [
      { file: 'src/worker/workbench.js', find: 'const KEPT_MS = 20', replace: 'const KEPT_MS = 1e9' },
      {
        file: 'src/worker/settler.js',
        find: 'const answer = await this.#parts.consumer.settle(', // where storing takes a while, so that it shows
        replace: `await new Promise((resolve) => setTimeout(resolve, 30))
          const answer = await this.#parts.consumer.settle(`,
      },
    ],
    scenario: KILLS,
  },
  {
    name: 'results elsewhere do not say of which try they are',
    patches: [{ file: 'src/worker/settlement.js', find: "parts.brokerServer !== ''", replace: 'false' }],
    scenario: 'T6e',
  },
  {
    name: 'who ran beside a death is condemned',
    patches: [{ file: 'src/worker/judge.js', find: 'if (alone && suspect)', replace: 'if (suspect && deliveries > 1)' }],
    scenario: 'T3',
  },
  {
    name: 'a frozen worker is taken for dead',
    patches: [{ file: 'src/worker/judge.js', find: 'const isDead = !lives(orphan.process)', replace: 'const isDead = true' }],
    scenario: 'T3f',
  },
  {
    name: 'who was away himself judges at once',
    patches: [{ file: 'src/broker/wakefulness.js', find: 'length > pauseMs', replace: 'false' }],
    scenario: 'T6m --kills 8',
  },
  {
    name: 'leases by the wall clock',
    patches: [
      { file: 'src/broker/sqlite/machine.js', find: 'Math.floor(Number(process.hrtime.bigint() / 1000000n))', replace: 'Date.now()' },
      { file: 'src/broker/wakefulness.js', find: 'length > pauseMs', replace: 'false' }, // or a jump counts as a pause, and nobody is judged
    ],
    scenario: 'T13s',
    brokers: ['sqlite'],
  },
  {
    name: 'no record of a start that is acked early',
    patches: [{ file: 'src/worker/records.js', find: "policy.acks === 'early'", replace: 'false' }],
    scenario: 'T18',
  },
  {
    name: 'what a fenced worker stores counts',
    patches: [
      {
        file: 'src/broker/redis/scripts/settle.lua',
        find: "~= owner then return {'lost'} end",
        replace: '~= owner then owner = owner end',
      },
      {
        file: 'src/broker/redis/scripts/settle.lua',
        find: "local stands = redis.call('HEXISTS', KEYS[2], lane) == 1",
        replace: 'local stands = true',
      },
      {
        file: 'src/broker/sqlite/consumer.js',
        find: 'async #asWorker(step, durability) {',
        replace: `async #asWorker(step, durability) {
          const findWorker = (t, i) => ({ id: -1, ...t.get('SELECT id, last_seq, closed_seq FROM broker_worker WHERE incarnation = ?', i) })`,
      },
      {
        file: 'src/broker/sqlite/settle.js',
        find: 'if (lane === undefined || held === undefined)',
        replace: `if (lane === undefined && followUps !== undefined) publish(transaction, followUps, now)
          if (lane === undefined || held === undefined)`,
      },
      { file: 'src/worker/keeper/lease.js', find: 'main.lost()', replace: 'void main' },
    ],
    scenario: 'T6',
  },
  {
    name: 'the first to come back after an outage reaps everybody',
    patches: [
      { file: 'src/broker/redis/reaper.js', find: 'Math.min(quietMs, awakeMs) < entry.leaseMs', replace: 'false' },
      { file: 'src/broker/sqlite/adapter.js', find: 'const PATIENCE_MS = 500', replace: 'const PATIENCE_MS = 0' },
    ],
    scenario: 'T4',
  },
  {
    name: 'a stopping worker gives nothing back',
    patches: [
      { file: 'src/worker/departure.js', find: 'consumer.resign(returns)', replace: 'Promise.resolve()' },
      {
        file: 'src/worker/keeper/keeper-thread.js',
        find: '.attach({ ...options, queues: state?.queues ?? [] }).resign()',
        replace: '.can',
      },
    ],
    scenario: 'T14g',
  },
  {
    name: 'a task goes on when it is given back',
    patches: [{ file: 'src/worker/departure.js', find: 'isRunning && exit !== undefined', replace: 'false' }],
    scenario: 'T14 --tasks 700 --kills 21',
  },
  {
    name: 'what ends while the worker stops is not waited for',
    patches: [{ file: 'src/worker/departure.js', find: 'await this.#stored()', replace: '' }],
    scenario: 'T14 --tasks 700 --kills 21',
  },
  {
    name: 'a take whose reply was lost takes anew',
    patches: [
      { file: 'src/broker/redis/scripts/take.lua', find: 'if marks[1] and seq <= tonumber(marks[1]) then', replace: 'if false then' },
    ],
    scenario: 'T2w',
    brokers: ['redis'],
  },
  {
    name: 'a take whose reply was spoilt takes anew',
    patches: [
      { file: 'src/broker/redis/scripts/take.lua', find: 'if marks[1] and seq <= tonumber(marks[1]) then', replace: 'if false then' },
    ],
    scenario: 'T8 --tasks 600 --kills 12',
    brokers: ['redis'],
  },
  {
    name: 'a settlement sent twice counts twice',
    patches: [
      {
        file: 'src/broker/redis/scripts/settle.lua',
        find: "local stands = redis.call('HEXISTS', KEYS[2], lane) == 1",
        replace: 'local stands = true',
      },
    ],
    scenario: 'T2w',
    brokers: ['redis'],
  },
  {
    name: 'a batch sent twice is stored twice',
    patches: [
      {
        file: 'src/broker/redis/scripts/publish.lua',
        find: 'if last and tonumber(last) >= tonumber(ARGV[1]) then',
        replace: 'if false then',
      },
    ],
    scenario: 'T2p',
    brokers: ['redis'],
  },
]

/** @param compiled changed in place. @throws Error when the build has changed so that there is nothing to patch */
export function apply(compiled: string, patch: Patch): void {
  const { file, find, replace } = patch
  const text = readFileSync(join(compiled, file), 'utf8')
  if (!text.includes(find)) throw new Error(unfit(patch))
  writeFileSync(
    join(compiled, file),
    text.replaceAll(find, () => replace),
  )
}

/** What is wrong with the patches, a line each: files that have moved, code that has changed. */
export function unfitting(compiled: string): readonly string[] {
  const patches = BREAKS.flatMap((each) => each.patches)
  return patches
    .filter(({ file, find }) => !existsSync(join(compiled, file)) || !readFileSync(join(compiled, file), 'utf8').includes(find))
    .map(unfit)
}

function unfit({ file, find }: Patch): string {
  return `${file} does not contain ${JSON.stringify(find)}: correct the table`
}
