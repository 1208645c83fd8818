/** Finds the settings when they are first needed, once, and keeps what was made of them. */
import type { Clock } from '../clock.js'
import type { Settings, SettingsInput } from '../config/schema.js'
import { CelerityError } from '../errors.js'
import type { Log } from '../log.js'
import type { Registry } from './registry.js'
import { Runtime } from './runtime.js'
import { DEFAULT_POLICY_SETTINGS } from './task-policy.js'

export interface LazyRuntimeParts {
  /** Settings written in code. */
  readonly declared: SettingsInput
  readonly registry: Registry
  readonly log: Log
  readonly clock: Clock
}

/** Other settings in use: see `substitute`. */
export interface Substitution {
  readonly runtime: Runtime
  /** Closes what was opened with them, and goes back to what was before. */
  end(): Promise<void>
}

export class LazyRuntime {
  readonly #parts: LazyRuntimeParts
  #opening: Promise<Runtime> | undefined
  #runtime: Runtime | undefined
  #closed = false
  #substituted = false

  constructor(parts: LazyRuntimeParts) {
    this.#parts = parts
  }

  /** What there is, without waiting: undefined until settings are known. */
  get current(): Runtime | undefined {
    return this.#runtime
  }

  /** @throws E_SETTINGS; E_USAGE after `close` */
  async get(): Promise<Runtime> {
    if (this.#runtime !== undefined) return this.#runtime
    if (this.#closed) throw closedError()
    this.#opening ??= this.#load().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  /** Settings that a command has loaded already. @throws E_USAGE when it is too late */
  configure(settings: Settings, log: Log = this.#parts.log): Runtime {
    if (this.#closed) throw closedError()
    if (this.#runtime !== undefined || this.#opening !== undefined) {
      throw new CelerityError('E_USAGE', {
        message: 'the application has its settings already',
        hint: 'Configure it before anything is sent.',
      })
    }
    return this.#start(settings, log)
  }

  /**
   * Others for a while, whether or not it has settings already: for tests.
   * @throws E_USAGE when others are in use, or it was closed
   */
  substitute(settings: Settings, log: Log, clock: Clock): Substitution {
    if (this.#closed) throw closedError()
    if (this.#opening !== undefined || this.#substituted) {
      throw new CelerityError('E_USAGE', {
        message: this.#substituted ? 'the application has a test worker already' : 'the settings of the application are being loaded',
        hint: 'One after the other: close the one, or await what loads them.',
      })
    }
    const before = this.#runtime
    const runtime = this.#start(settings, log, clock)
    this.#substituted = true
    return {
      runtime,
      end: async () => {
        if (!this.#substituted) return
        this.#substituted = false
        this.#runtime = before
        this.#parts.registry.configure(before?.settings ?? DEFAULT_POLICY_SETTINGS)
        await runtime.close()
      },
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const runtime = this.#runtime ?? (await this.#opening?.catch(() => undefined)) // who opened it was told why it failed
    // A send that waited for the settings is to be sent too: its messages are added in the turn that goes on from here.
    await new Promise<void>((resolve) => setImmediate(resolve))
    this.#runtime = undefined
    await runtime?.close()
  }

  async #load(): Promise<Runtime> {
    const { loadSettings } = await import('../config/load.js')
    const { settings, warnings } = await loadSettings({ cwd: process.cwd(), env: process.env }, this.#parts.declared)
    for (const warning of warnings) this.#parts.log.warning(warning)
    return this.#start(settings, this.#parts.log)
  }

  #start(settings: Settings, log: Log, clock: Clock = this.#parts.clock): Runtime {
    const { registry } = this.#parts
    registry.configure(settings)
    this.#runtime = new Runtime({ settings, registry, log, clock })
    return this.#runtime
  }
}

export function closedError(): CelerityError {
  return new CelerityError('E_USAGE', { message: 'the application was closed', hint: 'Close it last; what is closed stays closed.' })
}
