/** How many CPUs this process may use: what the machine shows, cut to the quota of its container. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

export function availableCpus(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(quota())))
}

/** cgroup 2: `max 100000` or `<quota> <period>`; Infinity where there is none. */
function quota(): number {
  try {
    const [allowed, period] = readFileSync('/sys/fs/cgroup/cpu.max', 'utf8').trim().split(' ')
    const cpus = Number(allowed) / Number(period)
    return cpus > 0 ? cpus : Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY // no cgroup 2 here: nothing limits us that we know of
  }
}
