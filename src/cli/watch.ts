/** `--watch`: runs the same command in a child without it, and starts it again when a source file has changed. For development. */
import { type ChildProcess, spawn } from 'node:child_process'
import { watch as watchFolder } from 'node:fs'
import { sep } from 'node:path'
import { EXIT } from '../errors.js'

const SOURCES = /\.(?:[cm]?[jt]sx?|json|ya?ml)$|(?:^|[/\\])\.taskrc$/
const IGNORED = new Set(['node_modules', '.git', '.tasks', 'dist', 'coverage'])
/** An editor writes several times in a row. */
const SETTLE_MS = 150

/**
 * @param folder what is watched, with everything below but dependencies and builds
 * @returns      the exit code, once a signal has ended it
 */
export async function runWatched(folder: string, say: (text: string) => void): Promise<number> {
  const argv = process.argv.slice(1).filter((word) => word !== '--watch')
  let child = start()
  let stopping = false
  let timer: NodeJS.Timeout | undefined

  function start(): ChildProcess {
    return spawn(process.execPath, [...process.execArgv, ...argv], { stdio: 'inherit' })
  }

  const restart = async (file: string) => {
    say(`${file} changed: starting again`)
    await end(child)
    if (!stopping) child = start()
  }
  const watcher = watchFolder(folder, { recursive: true }, (_, file) => {
    if (file === null || !SOURCES.test(file) || file.split(sep).some((part) => IGNORED.has(part))) return
    clearTimeout(timer)
    timer = setTimeout(() => void restart(file), SETTLE_MS)
  })

  return new Promise((resolve) => {
    const stop = async (signal: NodeJS.Signals) => {
      child.kill(signal)
      if (stopping) return
      stopping = true
      watcher.close()
      clearTimeout(timer)
      await ended(child)
      resolve(child.exitCode ?? EXIT.terminated)
    }
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) process.on(signal, stop)
  })
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  await ended(child)
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => child.once('exit', () => resolve()))
}
