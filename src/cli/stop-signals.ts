/**
 * Signals of a process that stops in order: TERM and INT stop it, a second one or QUIT stops it now. HUP without a terminal to lose is TERM.
 */
import { EXIT } from '../errors.js'

export interface Stoppable {
  /** In order. */
  stop(): void
  /** Now: what runs is given back. */
  stopNow(): void
}

export interface StopSignals {
  /** How the process should end: 0, or 130/143 when it was told twice. */
  readonly exitCode: number
  /** Stops it in order, unless it was told already. @param why such as `the launcher is gone` */
  stopUnlessTold(why: string): void
  /** It has stopped: a signal that comes after one that told it to has nothing left to tell, and ends the process with its exit code. */
  close(): void
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const

export function onStopSignals(target: Stoppable, say: (text: string) => void): StopSignals {
  let told = 0
  let exitCode: number = EXIT.done
  const hear = (signal: NodeJS.Signals) => {
    told++
    if (told === 1 && signal !== 'SIGQUIT') return stopInOrder(signal)
    if (exitCode !== EXIT.done) return // a storm of signals says nothing new
    exitCode = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated
    say(`${signal}: stopping now`)
    target.stopNow()
  }
  const stopInOrder = (why: string) => {
    say(`${why}: stopping; once more to stop now`)
    target.stop()
  }
  for (const signal of SIGNALS) process.on(signal, hear)
  return {
    stopUnlessTold(why) {
      if (told++ === 0) stopInOrder(why)
    },
    get exitCode() {
      return exitCode
    },
    close() {
      for (const signal of SIGNALS) {
        // Left to itself, the last signal of a storm would end the process as if it had been killed.
        if (told > 0) process.on(signal, () => process.exit(exitCode))
        process.off(signal, hear)
      }
    },
  }
}
