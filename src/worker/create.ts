/** A worker from an application and its settings: the one place where settings become a worker's options. */
import { hostname } from 'node:os'
import type { Celerity } from '../app/celerity.js'
import { queuesOf } from '../app/queues.js'
import { concurrencyOf } from '../config/cpus.js'
import type { Settings } from '../config/schema.js'
import { Dispatcher } from '../events/dispatcher.js'
import { Lamport } from '../protocol/lamport.js'
import { createOutcomes } from './create-outcomes.js'
import { processMark } from './process-mark.js'
import { decodeLimits } from './request.js'
import { Worker } from './worker.js'
import type { WorkerOptions, WorkerParts } from './worker-options.js'

export interface WorkerChoice {
  /** Absent: every queue the application knows. */
  readonly queues?: readonly string[] | undefined
  readonly excluded?: readonly string[] | undefined
  readonly once?: boolean | undefined
  /** Hears how each run ended. */
  readonly ended?: WorkerParts['ended']
}

/** Seconds the last settlements may take when the worker stops. */
const STOP_SECONDS = 1.2

export interface CreatedWorker {
  readonly worker: Worker
  readonly options: WorkerOptions
  /** What it was made of. */
  readonly parts: WorkerParts
}

/** @throws CelerityError when the broker or the result store can't be used at all */
export async function createWorker(app: Celerity, choice: WorkerChoice = {}): Promise<CreatedWorker> {
  const runtime = await app.runtime()
  const { settings, connections, clock, log } = runtime
  const broker = await connections.broker()
  const results = settings.resultBackend === null ? null : await connections.results()
  const options = workerOptions(app, settings, choice)
  const outcomes = createOutcomes(runtime, { store: results, brokerServer: broker.can.server, node: options.node })
  const lamport = new Lamport()
  const source = { broker, node: options.node, pid: process.pid, lamport, clock, log }
  const events = new Dispatcher(source, { isEnabled: settings.workerSendTaskEvents })
  const shared = { settings, registry: app.registry, clock, log, random: Math.random, ended: choice.ended }
  const parts: WorkerParts = { ...shared, broker, results, outcomes, lamport, events }
  return { worker: new Worker(parts, options), options, parts }
}

function workerOptions(app: Celerity, settings: Settings, { queues, excluded = [], once = false }: WorkerChoice): WorkerOptions {
  const { workerConcurrency, workerAutoscale, workerPrefetchMultiplier, brokerTransportOptions } = settings
  return {
    node: nodeName(settings.workerHostname),
    queues: (queues ?? queuesOf(app.registry, settings)).filter((queue) => !excluded.includes(queue)),
    concurrency: workerAutoscale?.min ?? concurrencyOf(workerConcurrency),
    autoscale: workerAutoscale,
    prefetchMultiplier: workerPrefetchMultiplier === 'auto' ? null : workerPrefetchMultiplier,
    leaseMs: settings.workerLease * 1000,
    grace: settings.workerGrace,
    stopSeconds: STOP_SECONDS,
    remoteControl: settings.workerEnableRemoteControl,
    heartbeat: settings.workerHeartbeatInterval,
    blockedLimit: settings.workerBlockedLimit,
    suspectPatience: settings.workerLease, // what vanished with a worker has waited for a lease already; one more, at most two
    process: processMark(),
    once,
    brokerUrl: settings.brokerUrl,
    keyPrefix: brokerTransportOptions.globalKeyprefix ?? '',
    deadlineMs: settings.brokerDeadline * 1000,
    limits: decodeLimits(settings),
  }
}

/** %h the host with its domain, %n the host alone, %d the domain; a name without @ gets the host. */
function nodeName(pattern: string): string {
  const host = hostname()
  const [name = host, ...domain] = host.split('.')
  const expanded = pattern.replace(/%[hnd]/g, (key) => (key === '%h' ? host : key === '%n' ? name : domain.join('.')))
  return expanded.includes('@') ? expanded : `${expanded}@${host}`
}
