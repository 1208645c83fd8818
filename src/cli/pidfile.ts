/** A file with the process's number. One left by a process that is gone is replaced; one of a living process is an error. */
import { closeSync, constants, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs'
import { CelerityError, reason } from '../errors.js'

/** Never through a link that somebody put there, never over a file that came in between. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/**
 * @param warn hears that the disk is full: that is no reason not to work
 * @returns removes it; @throws E_USAGE when another process holds it, or it can't be written
 */
export function writePidfile(path: string, warn: (text: string) => void): () => void {
  removeStale(path)
  try {
    write(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      warn(`there is no pidfile: ${reason(cause)}`)
      return () => {}
    }
    const isThere = code === 'EEXIST'
    throw new CelerityError('E_USAGE', {
      message: isThere ? `${path} is there already, and is no pidfile` : `The pidfile ${path} can't be written`,
      hint: isThere ? 'Remove it, or give another --pidfile.' : 'Is its folder there, and writable?',
      cause,
    })
  }
  return () => {
    if (pidOf(path) === process.pid) unlinkSync(path)
  }
}

function write(path: string): void {
  const file = openSync(path, NEW_FILE, 0o600)
  try {
    writeSync(file, `${process.pid}\n`)
  } catch (error) {
    unlinkSync(path) // empty it would be in the way of the next one
    throw error
  } finally {
    closeSync(file)
  }
}

function removeStale(path: string): void {
  const pid = pidOf(path)
  if (pid === null) return
  // Our own number: in a container every worker is process 1, and a file of the last one may have stayed.
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
    const text = readFileSync(path, 'utf8').trim()
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : null
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
