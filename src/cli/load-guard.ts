/**
 * Watches over the user's code while it is loaded. Such code may throw where nobody catches, or never come to an end; the command is to end
 * with one line that says which file it was.
 */
import { CelerityError, reason } from '../errors.js'

export interface LoadLimits {
  /** Milliseconds after which a person is told what takes so long. */
  readonly slowMs: number
  /** Milliseconds after which it counts as never ending. */
  readonly limitMs: number
}

/** An application may wait for its database at the top level; one that waits for minutes is better started again by its supervisor. */
const LIMITS: LoadLimits = { slowMs: 10_000, limitMs: 120_000 }

const STRAY = ['uncaughtException', 'unhandledRejection'] as const
const listeners = () => STRAY.reduce((sum, event) => sum + process.listenerCount(event), 0)

export class LoadGuard {
  readonly #warn: (text: string) => void
  readonly #limits: LoadLimits
  #loading: string | null = null

  constructor(warn: (text: string) => void, limits: LoadLimits = LIMITS) {
    this.#warn = warn
    this.#limits = limits
  }

  /** What to say if the process ends now, because the code that is being loaded ended it or left nothing to wait for; null: nothing is. */
  get endedMidway(): CelerityError | null {
    if (this.#loading === null) return null
    return refusal(
      this.#loading,
      'it ended the process',
      'It called process.exit, or awaits at its top level what can never come. A module of tasks may be loaded by any command.',
    )
  }

  /** Runs `step`, which loads `what`. @throws E_APP_LOAD when that throws outside of `step`, or does not end */
  async run<T>(what: string, step: () => Promise<T>): Promise<T> {
    const { slowMs, limitMs } = this.#limits
    this.#loading = what
    const undo: (() => void)[] = []
    try {
      const failed = new Promise<never>((_, reject) => {
        const known = listeners()
        const thrown = (error: unknown) => {
          // The application's own answer to them counts, where it has brought one.
          if (listeners() > known + STRAY.length) return
          reject(refusal(what, reason(error).split('\n')[0]!, 'It threw outside of any await; --log-level debug shows where.', error))
        }
        for (const event of STRAY) {
          process.on(event, thrown)
          undo.push(() => process.off(event, thrown))
        }
        const slow = setTimeout(() => this.#warn(`${what} is still being loaded: is there an await at its top level?`), slowMs)
        const limit = setTimeout(() => {
          reject(
            refusal(
              what,
              `it did not end within ${limitMs / 1000} s`,
              'An await at its top level, or at that of a module it imports, may never settle.',
            ),
          )
        }, limitMs)
        // Where nothing else is left to wait for, it will not end at all: the process says so at its exit, at once.
        for (const timer of [slow, limit]) {
          timer.unref()
          undo.push(() => clearTimeout(timer))
        }
      })
      return await Promise.race([step(), failed])
    } finally {
      for (const one of undo) one()
      this.#loading = null
    }
  }
}

function refusal(what: string, why: string, hint: string, cause?: unknown): CelerityError {
  return new CelerityError('E_APP_LOAD', { message: `Cannot load ${what}: ${why}`, hint, cause })
}
