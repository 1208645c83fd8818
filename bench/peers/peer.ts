/** A system that is measured beside the others. One small interface, so that every figure treats all of them alike. */
import type { Program } from '../program.js'

export interface Peer {
  /** With its version. */
  readonly name: string
  /** A private server, empty. Whoever opens a site closes it. */
  open(): Promise<Site>
}

/**
 * `fill`: as many as asked for, as fast as it goes, for another measurement. `bulk`: the same, measured. `awaited`: one after the other.
 * `concurrent`: a hundred callers that each await theirs. `delayed`: due in an hour. `pings`: tasks that tell when they start, with pauses.
 */
export type Sending = 'fill' | 'bulk' | 'awaited' | 'concurrent' | 'delayed' | 'pings'

export interface Site {
  /** Runs a process that sends `count` tasks. Returns the seconds it took, without the start of the process. */
  send(how: Sending, count: number): Promise<number>
  /** Starts the worker's process; it prints `started <nanoseconds since it was sent>` for every ping. */
  startWorker(concurrency: number): Program
  progress(): Promise<Progress>
  /** Seconds of CPU that the server has used. */
  serverCpu(): Promise<number>
  close(): Promise<void>
}

/** As the server itself tells it. */
export interface Progress {
  /** Tasks that are done, result stored. */
  readonly done: number
  /** When, in milliseconds of the server's clock. */
  readonly at: number
}
