/** The registry entry of a worker: JSON in one line, in the hash of the workers. */
export interface RegistryEntry {
  readonly node: string
  /** Milliseconds. */
  readonly leaseMs: number
  readonly queues: readonly string[]
  /** Milliseconds since 1970, by the clock of the worker. */
  readonly since: number
  readonly pid: number
  /** See `Registration`. */
  readonly process?: string | null
}

export function writeEntry({ node, leaseMs, queues, since, pid, process }: RegistryEntry): string {
  return JSON.stringify({ node, leaseMs, queues, since, pid, process })
}

/** Total: one that was damaged by somebody is a worker without queues that has the default lease. */
export function readEntry(text: string): Pick<RegistryEntry, 'node' | 'leaseMs' | 'queues'> & { readonly process: string | null } {
  try {
    const entry: unknown = JSON.parse(text)
    if (typeof entry === 'object' && entry !== null) {
      const { node, leaseMs, queues, process } = entry as Record<string, unknown>
      return {
        node: typeof node === 'string' ? node : 'unknown',
        leaseMs: Number(leaseMs) || DEFAULT_LEASE_MS,
        queues: Array.isArray(queues) ? queues.filter((queue) => typeof queue === 'string') : [],
        process: typeof process === 'string' ? process : null,
      }
    }
  } catch {
    // no JSON
  }
  return { node: 'unknown', leaseMs: DEFAULT_LEASE_MS, queues: [], process: null }
}

const DEFAULT_LEASE_MS = 30_000
