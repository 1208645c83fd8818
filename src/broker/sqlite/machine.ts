/** The clock that all processes of one machine share and that never jumps, and a name for the time since it started. */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

export interface Machine {
  /** Of the run of the operating system since its last start. Leases of another boot can't be compared with our clock. */
  readonly boot: string
  /** Whole milliseconds since some moment of this boot. */
  now(): number
}

export function thisMachine(): Machine {
  return { boot: bootId(), now: () => Math.floor(Number(process.hrtime.bigint() / 1_000_000n)) }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    // Not Linux. The same name after a restart does no harm: a lease that ends later than it could is told apart (lease-watch.ts).
    return hostname()
  }
}
