/** The tasks of one application, by name. */
import { CelerityError } from '../errors.js'
import { checkDefinition, defineTask, type Handler, type TaskDefinition } from './task-definition.js'
import type { TaskOptions } from './task-options.js'
import { DEFAULT_POLICY_SETTINGS, type PolicySettings, type TaskPolicy, taskPolicy } from './task-policy.js'

export class Registry {
  readonly #definitions = new Map<string, TaskDefinition>()
  #settings: PolicySettings = DEFAULT_POLICY_SETTINGS

  /**
   * @param registeredAt `file:line`, for the message about a name that is taken
   * @throws             CelerityError E_TASK_DEFINITION
   */
  add(name: string, options: TaskOptions, handler: unknown, registeredAt: string | null = null): TaskDefinition {
    checkDefinition(name, options, handler)
    const taken = this.#definitions.get(name)
    if (taken !== undefined && taken.handler !== handler) throw nameTaken(taken, handler, registeredAt)
    const definition = defineTask(name, options, handler, taskPolicy(name, options, this.#settings), registeredAt)
    this.#definitions.set(name, definition)
    return definition
  }

  get(name: string): TaskDefinition | undefined {
    return this.#definitions.get(name)
  }

  /** In order of name. */
  names(): readonly string[] {
    return [...this.#definitions.keys()].sort()
  }

  all(): Iterable<TaskDefinition> {
    return this.#definitions.values()
  }

  /** Changes what holds for a task, for runs that start from now on. False: there is no such task. */
  adjust(name: string, change: Partial<Pick<TaskPolicy, 'rateLimit' | 'timeLimit' | 'softTimeLimit'>>): boolean {
    const definition = this.#definitions.get(name)
    if (definition === undefined) return false
    this.#definitions.set(name, { ...definition, policy: { ...definition.policy, ...change } })
    return true
  }

  /** Settings are known: works out every policy anew, and that of later registrations by the same settings. */
  configure(settings: PolicySettings): void {
    this.#settings = settings
    for (const [name, definition] of this.#definitions) {
      this.#definitions.set(name, { ...definition, policy: taskPolicy(name, definition.declared, settings) })
    }
  }
}

/** The same source text under another function object: one module, loaded twice. */
function nameTaken(taken: TaskDefinition, handler: Handler, registeredAt: string | null): CelerityError {
  const where = taken.registeredAt === null ? '' : ` (at ${taken.registeredAt})`
  const here = registeredAt === null ? '' : `, again at ${registeredAt}`
  const twice = String(taken.handler) === String(handler)
  return new CelerityError('E_TASK_DEFINITION', {
    message: `task ${taken.name} is registered already${where}${here}`,
    hint: twice
      ? 'The same module seems to be loaded twice (as .ts and as .js, or under two paths): import it one way only.'
      : 'Give one of the two another name.',
  })
}
