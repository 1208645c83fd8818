/** One run of the test suite: tools, servers, mocha, and in the end nothing left running. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endWithUs } from './guard.js'
import { commandsOf, endGroup } from './process-group.js'
import { type RedisServer, startRedisServer } from './redis-server.js'
import type { Totals } from './reporter.js'
import { provideTools, type Tools } from './tools.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** How long mocha may take to end after its last test, in seconds: longer means that a test left something open. */
const EXIT_SPAN = 20
const VALUE_FLAGS = ['-g', '--grep', '-f', '--fgrep', '-t', '--timeout', '-s', '--slow', '--retries']

/** Runs the tests that `args` name (all of them when none) and returns the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal))

  const tools = provideTools()
  const redis = tools.redisServer.path === undefined ? undefined : await startRedisServer(tools.redisServer.path)
  try {
    return await runMocha(args, environment(tools, redis), tools, stop.signal)
  } finally {
    await redis?.stop()
  }
}

async function runMocha(args: readonly string[], env: NodeJS.ProcessEnv, tools: Tools, stop: AbortSignal): Promise<number> {
  // Not mocha's `bin`: that would start a second process for the loader, out of reach of the channel on which the totals come.
  const mocha = spawn(process.execPath, ['--import', 'tsx', join(root, 'node_modules/mocha/lib/cli/cli.js'), ...mochaArguments(args)], {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true, // a group of its own: whatever a test leaves behind ends with it
  })
  const group = groupOf(mocha)
  const guard = endWithUs(-group)
  let totals: Totals | undefined
  let overdue: NodeJS.Timeout | undefined
  mocha.on('message', (message: Totals) => {
    totals = message
    overdue = setTimeout(() => {
      process.stderr.write('The tests are done but mocha goes on: a test left a timer, a connection or a process open.\n')
      endGroup(group, 'SIGKILL')
    }, EXIT_SPAN * 1000)
  })
  const interrupt = () => {
    endGroup(group, 'SIGTERM')
    void wait(5000, undefined, { ref: false }).then(() => endGroup(group, 'SIGKILL'))
  }
  stop.addEventListener('abort', interrupt, { once: true })

  const code = await exitCode(mocha)
  clearTimeout(overdue)
  guard.dismiss()
  const left = commandsOf(group)
  if (endGroup(group, 'SIGKILL') && left.length > 0) process.stderr.write(`Ended what tests had left running: ${left.join(', ')}\n`)
  if (stop.aborted) return 128 + constants.signals[stop.reason as NodeJS.Signals]
  return report(totals, code, tools)
}

function report(totals: Totals | undefined, code: number, tools: Tools): number {
  if (totals === undefined) {
    process.stderr.write(`mocha ended before its tests did (exit code ${code}).\n`)
    return code === 0 ? 1 : code
  }
  for (const tool of Object.values(tools)) if (tool.missing !== undefined && totals.skipped > 0) console.log(`Skipped: ${tool.missing}`)
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
  return code
}

function environment(tools: Tools, redis: RedisServer | undefined): NodeJS.ProcessEnv {
  // Settings of the person's own shell would reach every worker that a test starts.
  const own = Object.entries(process.env).filter(([name]) => !/^(TASKS_|CELERY|BROKER_URL$)/.test(name))
  return {
    ...Object.fromEntries(own),
    NODE_ENV: 'test',
    TEST_REDIS_URL: redis?.url,
    TEST_REDIS_SERVER: tools.redisServer.path,
    TEST_PYTHON: tools.python.path,
    TEST_TMUX: tools.tmux.path,
    TEST_FAKETIME: tools.faketime.path,
    TEST_POSTGRES: tools.postgres.path,
    TEST_MISSING: JSON.stringify({
      redis: tools.redisServer.missing,
      python: tools.python.missing,
      tmux: tools.tmux.missing,
      faketime: tools.faketime.missing,
      postgres: tools.postgres.missing,
    }),
  }
}

/** What we pass on: everything, with folders as patterns, and all tests when no file, folder or pattern is among them. */
function mochaArguments(args: readonly string[]): string[] {
  const isPath = (arg: string, at: number) =>
    !arg.startsWith('-') && !VALUE_FLAGS.includes(args[at - 1] ?? '') && (existsSync(join(root, arg)) || arg.includes('*'))
  const given = args.map((arg, at) => (isPath(arg, at) && isFolder(arg) ? `${arg.replace(/\/$/, '')}/**/*.test.ts` : arg))
  const spec = args.some(isPath) ? [] : ['test/**/*.test.ts']
  // Where CI is set, mocha would colour a log file too.
  const colour = process.stdout.isTTY ? [] : ['--no-color']
  return ['--forbid-only', '--reporter', join(root, 'test/setup/reporter.ts'), ...colour, ...given, ...spec]
}

function isFolder(path: string): boolean {
  return statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() === true
}

function exitCode(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128 + constants.signals[signal])))
  })
}

function groupOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('mocha could not be started')
  return child.pid
}
