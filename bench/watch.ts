/** Waits until a site has done so many tasks. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress, Site } from './peers/peer.js'
import type { Program } from './program.js'

/** Between two looks: short beside the half second that the fastest drain takes, and rare enough to cost the server nothing. */
const LOOK_MS = 5
const PATIENCE_MS = 180_000

export async function timeOf(site: Site, worker: Program, done: number): Promise<Progress> {
  const end = performance.now() + PATIENCE_MS
  while (performance.now() < end) {
    const progress = await site.progress()
    if (progress.done >= done) return progress
    if (worker.ended) throw new Error(`the worker ended:\n${worker.complaints}`)
    await sleep(LOOK_MS)
  }
  throw new Error(`not ${done} tasks done after ${PATIENCE_MS / 1000} s\n${worker.complaints}`)
}
