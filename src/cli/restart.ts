/** `--restart`: starts the worker again when it has ended by an accident. */
import { systemClock } from '../clock.js'
import { EXIT } from '../errors.js'
import type { Log } from '../log.js'
import { type ChildEnd, Launcher } from './launcher.js'

/**
 * How a worker ends that was told to (0; 130 and 143: told twice), or that refuses to start as it is set up (2). Anything else may be another
 * time: that a server is away (69), a fault (70), a file that was replaced (74).
 */
const FINAL: ReadonlySet<number> = new Set([EXIT.done, EXIT.usage, EXIT.interrupted, EXIT.terminated])

/** Seconds of running after which all before is forgotten. */
const GOOD_SECONDS = 60
/** Seconds between an end and the next start: none the first time, then 1, 2, 4 … up to this. */
const MAX_PAUSE = 30

/** How long to wait after each end. */
export class Pauses {
  #ends = 0

  /** Seconds. @param ran for how long it did */
  after(ran: number): number {
    if (ran >= GOOD_SECONDS) this.#ends = 0
    const pause = this.#ends === 0 ? 0 : Math.min(2 ** (this.#ends - 1), MAX_PAUSE)
    this.#ends++
    return pause
  }
}

/** @returns the exit code of the worker, once it was told to stop or has refused to start */
export function runRestarted(log: Log): Promise<number> {
  const pauses = new Pauses()
  const launcher = new Launcher(async (end, stopped) => {
    if (isFinal(end)) return end.code
    const pause = pauses.after(end.seconds)
    log.warning(`${described(end)}: it is started again ${pause === 0 ? 'at once' : `in ${pause} s`}`)
    await systemClock.sleep(pause, stopped)
    return stopped.aborted ? EXIT.done : 'again' // nothing runs that could be stopped
  })
  return launcher.run()
}

export function isFinal({ code, isInOrder }: Pick<ChildEnd, 'code' | 'isInOrder'>): boolean {
  return isInOrder && FINAL.has(code)
}

function described({ code, signal, seconds }: ChildEnd): string {
  const how = signal === null ? `ended by itself with exit code ${code}` : `was ended by ${signal}`
  return `The worker ${how} after ${seconds.toFixed(seconds < 10 ? 1 : 0)} s`
}
