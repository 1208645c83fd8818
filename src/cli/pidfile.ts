/** A file with the process's number. One left by a process that is gone is replaced; one of a living process is an error. */
import { closeSync, constants, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { CelerityError } from '../errors.js'

/** @returns removes it; @throws E_USAGE when another process holds it */
export function writePidfile(path: string): () => void {
  removeStale(path)
  let file: number
  try {
    // Never through a link somebody put there, never over a file that came in between.
    file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o644)
  } catch (cause) {
    throw new CelerityError('E_USAGE', {
      message: `The pidfile ${path} can't be written`,
      hint: 'Is its folder there, and writable?',
      cause,
    })
  }
  writeSync(file, `${process.pid}\n`)
  closeSync(file)
  return () => {
    if (pidOf(path) === process.pid) unlinkSync(path)
  }
}

function removeStale(path: string): void {
  const pid = pidOf(path)
  if (pid === null) return
  if (pid !== process.pid && isAlive(pid)) {
    throw new CelerityError('E_USAGE', {
      message: `The pidfile ${path} names process ${pid}, which is running`,
      hint: 'Stop it first, or give another --pidfile.',
    })
  }
  unlinkSync(path)
}

function pidOf(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim())
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null
  } catch {
    return null // there is none
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
