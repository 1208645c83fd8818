import { spawn } from 'node:child_process'
import { Socket } from 'node:net'

export interface Guard {
  /** The process ended in order: the guard has nothing to do any more. */
  dismiss(): void
}

/**
 * Ends a process (or a group: a negative number) when this process ends, even by SIGKILL. A shell waits on a pipe that only we
 * hold; when the kernel closes it, the shell does what we could not.
 *
 * @param pid    a process, or with a minus sign a group
 * @param folder removed with it
 */
export function endWithUs(pid: number, folder?: string): Guard {
  const script = 'read -r order; [ "$order" = dismissed ] || { kill -9 "$1"; [ -z "$2" ] || rm -rf -- "$2"; }'
  const shell = spawn('/bin/sh', ['-c', script, 'guard', `${pid}`, folder ?? ''], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  shell.unref()
  const { stdin } = shell
  stdin.on('error', () => {}) // the guard itself was ended, by a person or a shutdown: there is nothing left to dismiss
  if (stdin instanceof Socket) stdin.unref()
  return { dismiss: () => stdin.end('dismissed\n') }
}
