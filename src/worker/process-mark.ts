/**
 * Names a process so that another one of the same machine can tell whether it lives: a worker that lost its lease while it lives was frozen, cut
 * off or starved, and no message is to blame for that.
 */
import { readFileSync } from 'node:fs'

/** Of the fields in /proc/<pid>/stat, counted behind the name of the program, which may hold anything. */
const STATE = 0
const STARTED = 19

/** Of this process: boot, pid, and when it started in ticks of that boot. Null where the system does not tell (it is not Linux). */
export function processMark(): string | null {
  const boot = bootId()
  const started = startOf('self')
  return boot === null || started === null ? null : `${boot} ${process.pid} ${started}`
}

/** True: it lives, on this machine. False: it has ended, or it was on another one, or nobody knows. */
export function isRunningHere(mark: string | null): boolean {
  if (mark === null) return false
  const [boot, pid, started] = mark.split(' ')
  // A pid is used again, also by the same program in another container; with the time of its start it is one process's own.
  return boot === bootId() && /^\d+$/.test(pid ?? '') && started === startOf(pid ?? '')
}

function bootId(): string | null {
  return read('/proc/sys/kernel/random/boot_id')?.trim() ?? null
}

/** Null: there is none, or it is dead and only its parent has not noticed. */
function startOf(pid: string): string | null {
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
  return fields[STATE] === 'Z' || fields[STATE] === 'X' ? null : (fields[STARTED] ?? null)
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
