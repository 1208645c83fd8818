/** `inspect stats`, in the shape of Celery's: monitors read single fields of it. What we have beyond that is under `celerity`. */
import { maskUrl } from '../../mask.js'
import { VERSION } from '../../version.js'
import type { Command, Desk } from './command.js'

export const stats: Command = {
  others: true,
  run: (desk) => ({
    total: Object.fromEntries(desk.worker.totals),
    pid: process.pid,
    clock: String(desk.lamport.now()),
    uptime: Math.floor((desk.clock.monotonic() - desk.startedAt) / 1000),
    pool: poolOf(desk),
    ...autoscaler(desk),
    broker: brokerOf(desk),
    prefetch_count: desk.worker.prefetch,
    rusage: resourceUsage(),
    celerity: {
      version: VERSION,
      node: process.version,
      events: { enabled: desk.events.isEnabled, ...desk.events.stats() },
      ...desk.worker.keeping,
    },
  }),
}

function poolOf({ worker, settings }: Desk) {
  const began = [...worker.totals.values()].reduce((sum, count) => sum + count, 0)
  const share = began === 0 ? '' : '1.00' // of the one process there is
  return {
    implementation: 'celerity:async',
    'max-concurrency': worker.concurrency,
    processes: [process.pid],
    'max-tasks-per-child': 'N/A',
    'put-guarded-by-semaphore': false,
    timeouts: [settings.taskSoftTimeLimit ?? 0, settings.taskTimeLimit ?? 0],
    writes: {
      total: began,
      avg: share || '0.00',
      all: share,
      raw: began === 0 ? '' : String(began),
      strategy: 'fair',
      inqueues: { total: 1, active: 0 },
    },
  }
}

function autoscaler({ worker }: Desk) {
  if (worker.bounds === null) return {}
  const { max, min } = worker.bounds
  const running = [...worker.runs].length
  return { autoscaler: { max, min, current: worker.concurrency, qty: running + worker.reserved.length } }
}

/** Where the broker is, without the password; what a file or this process' memory has not is null. */
function brokerOf({ settings }: Desk) {
  const { brokerUrl, brokerDeadline } = settings
  const scheme = brokerUrl.slice(0, brokerUrl.indexOf(':'))
  const server = /^rediss?$/.test(scheme) && URL.canParse(brokerUrl) ? new URL(brokerUrl) : null
  return {
    hostname: server?.hostname ?? null,
    userid: server?.username ? decodeURIComponent(server.username) : null,
    virtual_host: server === null ? maskUrl(brokerUrl).slice(scheme.length + 1) : server.pathname.slice(1) || '0',
    port: server === null ? null : Number(server.port || 6379),
    insist: false,
    ssl: scheme === 'rediss',
    transport: server === null ? scheme : 'redis',
    connect_timeout: brokerDeadline,
    transport_options: {},
    login_method: null,
    uri_prefix: null,
    heartbeat: 0,
    failover_strategy: 'round-robin',
    alternates: [],
    credential_provider: null,
  }
}

/** As `getrusage(2)` names it: seconds, and kilobytes. */
function resourceUsage() {
  const usage = process.resourceUsage()
  return {
    utime: usage.userCPUTime / 1e6,
    stime: usage.systemCPUTime / 1e6,
    maxrss: usage.maxRSS,
    ixrss: usage.sharedMemorySize,
    idrss: usage.unsharedDataSize,
    isrss: usage.unsharedStackSize,
    minflt: usage.minorPageFault,
    majflt: usage.majorPageFault,
    nswap: usage.swappedOut,
    inblock: usage.fsRead,
    oublock: usage.fsWrite,
    msgsnd: usage.ipcSent,
    msgrcv: usage.ipcReceived,
    nsignals: usage.signalsCount,
    nvcsw: usage.voluntaryContextSwitches,
    nivcsw: usage.involuntaryContextSwitches,
  }
}
