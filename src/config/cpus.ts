/** How many CPUs this process may use: those of its affinity, and no more than its container's quota. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/**
 * At least 1. Node 20 does not look at the cgroup itself: in a container with half a CPU on a host with 64 it reports 64.
 *
 * @param read reads a file under /sys/fs/cgroup, null when there is none
 */
export function usableCpus(read: (path: string) => string | null = readCgroup, affinity: number = availableParallelism()): number {
  const quota = quotaV2(read('cpu.max')) ?? quotaV1(read('cpu/cpu.cfs_quota_us'), read('cpu/cpu.cfs_period_us'))
  return Math.max(1, Math.min(affinity, quota === null ? Number.POSITIVE_INFINITY : Math.ceil(quota)))
}

/** `workerConcurrency` as a number. */
export function concurrencyOf(setting: number | 'auto'): number {
  return setting === 'auto' ? usableCpus() : setting
}

/** cgroup v2: `150000 100000` is one and a half CPUs, `max 100000` no limit. */
function quotaV2(text: string | null): number | null {
  const [quota, period] = (text ?? '').trim().split(/\s+/)
  return quota === undefined || quota === '' || quota === 'max' ? null : share(Number(quota), Number(period))
}

/** cgroup v1: a quota of -1 is no limit. */
function quotaV1(quota: string | null, period: string | null): number | null {
  return quota === null || period === null ? null : share(Number(quota), Number(period))
}

const share = (quota: number, period: number) => (quota > 0 && period > 0 ? quota / period : null)

function readCgroup(path: string): string | null {
  try {
    return readFileSync(`/sys/fs/cgroup/${path}`, 'utf8')
  } catch {
    return null // not Linux, or no such controller: no limit known
  }
}
