/** Answers remote control where the tasks run: finds the method, binds its arguments, and turns whatever goes wrong into a reply. */
import { reason } from '../../errors.js'
import type { Panel, PanelAnswer } from '../keeper/panel-port.js'
import { Arguments, checkGiven, type Given } from './arguments.js'
import type { Command, Desk } from './command.js'
import { consumerCommands } from './consumers.js'
import { eventCommands } from './events.js'
import { introspectionCommands } from './introspection.js'
import { limitCommands } from './limits.js'
import { memoryCommands } from './memory.js'
import { poolCommands } from './pool.js'
import { PythonError } from './python-error.js'
import { revokeCommands } from './revoke.js'
import { stats } from './stats.js'
import type { Subject } from './subject.js'
import { taskCommands } from './tasks.js'

/** What is answered for this worker also while its event loop is blocked, as it was told last. */
const STANDING = ['stats', 'registered', 'active_queues', 'conf', 'report', 'scheduled'] as const

export class ControlPanel implements Panel {
  readonly #desk: Desk
  readonly #commands: ReadonlyMap<string, Command>

  constructor(worker: Subject, parts: Omit<Desk, 'worker' | 'startedAt'>) {
    const { registry, settings, lamport, events, clock, log } = parts
    this.#desk = { worker, registry, settings, lamport, events, clock, log, startedAt: clock.monotonic() }
    this.#commands = new Map(
      Object.entries({
        ...introspectionCommands,
        ...taskCommands,
        ...memoryCommands(),
        ...revokeCommands,
        ...limitCommands,
        ...poolCommands,
        ...consumerCommands,
        ...eventCommands,
        stats,
      }),
    )
  }

  async handle(method: string, given: Given): Promise<PanelAnswer> {
    try {
      const value = await this.#run(method, given)
      return value === undefined ? { kind: 'silent' } : { kind: 'reply', value }
    } catch (error) {
      return { kind: 'reply', value: this.#failed(method, error) }
    }
  }

  /** The answers that hold for a while, by method. */
  standing(): Readonly<Record<string, unknown>> {
    const answers: Record<string, unknown> = {}
    for (const method of STANDING) {
      try {
        answers[method] = this.#run(method, {})
      } catch (error) {
        answers[method] = this.#failed(method, error)
      }
    }
    return answers
  }

  #run(method: string, given: Given): unknown {
    const command = this.#commands.get(method)
    if (command === undefined) throw new PythonError('KeyError', method)
    checkGiven(method, command, given)
    return command.run(this.#desk, new Arguments(given))
  }

  #failed(method: string, error: unknown): { readonly error: string } {
    const text = error instanceof PythonError ? error.repr : new PythonError('RuntimeError', reason(error)).repr
    this.#desk.log.warning(`control ${method}: ${text}`)
    return { error: text }
  }
}
