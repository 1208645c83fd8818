/** A producer that sends as fast as it is accepted and does not run ahead of the workers. */
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.js'
import type { Call } from '../peers/peer.js'
import type { Stage } from './stage.js'

export interface Load {
  /** Ids sent so far, accepted or not. */
  readonly ids: readonly string[]
  /** Sends no more. */
  end(): Promise<void>
}

export interface LoadOptions {
  /** Tasks of one batch. Default: ten. */
  readonly batch?: number
  /** Tasks that may wait. Default: a hundred. */
  readonly ahead?: number
  readonly call?: (id: string) => Call
  /** How many wait now. Default: of what was accepted, all that has not ended once; right where all succeed at their first try. */
  readonly waiting?: () => number
}

export function startLoad(stage: Stage, options: LoadOptions = {}): Load {
  const { batch = 10, ahead = 100, call = (id) => ({ id, task: 'system.sleep', args: [20] }) } = options
  const { waiting = () => stage.accepted().length - stage.ledger.done } = options
  const ids: string[] = []
  let ended = false
  const work = async () => {
    while (!ended) {
      const calls = Array.from({ length: batch }, (_, at) => call(`t${ids.length + at}`))
      ids.push(...calls.map(({ id }) => id))
      const before = stage.accepted().length
      await stage.send(calls)
      if (stage.accepted().length === before) await sleep(50) // all were refused
      // What was refused never ends: only what was accepted counts.
      await eventually(() => ended || waiting() < ahead, 600)
    }
  }
  const working = work()
  working.catch(() => {}) // `end` tells
  return {
    ids,
    async end() {
      ended = true
      await working
    },
  }
}
