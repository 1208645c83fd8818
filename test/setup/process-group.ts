/** A process and all that it started. A group is named by the pid of its leader. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** The command lines of a process group; none where there is no /proc. A process that has ended and was not waited for has none. */
export function commandsOf(group: number): readonly string[] {
  if (!existsSync('/proc/self/stat')) return []
  return readdirSync('/proc').flatMap((pid) => {
    const stat = /^\d+$/.test(pid) ? procFile(pid, 'stat') : ''
    // pid (name) state parent group …: the name may hold spaces and parentheses.
    const isOfGroup = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]) === group
    const command = isOfGroup ? procFile(pid, 'cmdline').replaceAll('\0', ' ').trim() : ''
    return command === '' ? [] : [`${pid} ${command.slice(0, 120)}`]
  })
}

function procFile(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return '' // ended while we looked
  }
}

/** Whether there was anyone left to signal. */
export function endGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-group, signal)
  } catch {
    return false // ESRCH: the whole group has ended
  }
}
