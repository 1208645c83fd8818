/** A registered task as the worker sees it. */
import { CelerityError } from '../errors.js'
import type { StandardSchema } from './standard-schema.js'
import { checkOptions, type TaskOptions } from './task-options.js'
import type { TaskPolicy } from './task-policy.js'

export type Handler = (...args: unknown[]) => unknown

export interface TaskDefinition {
  readonly name: string
  /** Takes the TaskContext first when `bind`, then the bound arguments. */
  readonly handler: Handler
  readonly bind: boolean
  /** Names of all parameters, without marks; null: keyword arguments arrive as one object. */
  readonly params: readonly string[] | null
  /** How many positional arguments the handler cannot do without. */
  readonly required: number
  readonly schema: StandardSchema<unknown, readonly unknown[]> | null
  /** Settings applied: see `Registry.configure`. */
  readonly policy: TaskPolicy
  /** As it was written. */
  readonly declared: TaskOptions
  /** `file:line` of the registration, when it could be told. */
  readonly registeredAt: string | null
}

const NAME = /^[^\s\p{C}]{1,255}$/u

/** @throws CelerityError E_TASK_DEFINITION */
export function defineTask(
  name: string,
  declared: TaskOptions,
  handler: Handler,
  policy: TaskPolicy,
  registeredAt: string | null,
): TaskDefinition {
  const bind = declared.bind ?? false
  const params = declared.params?.map((param) => param.replace(/\?$/, '')) ?? null
  return {
    name,
    handler,
    bind,
    params,
    required: requiredOf(name, declared, handler),
    schema: declared.schema ?? null,
    policy,
    declared,
    registeredAt,
  }
}

/** Everything about a definition that can be wrong before settings are known. */
export function checkDefinition(name: string, declared: TaskOptions, handler: unknown): asserts handler is Handler {
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw bad(
      `${JSON.stringify(name)?.slice(0, 80) ?? typeof name} cannot be a task name`,
      '1 to 255 visible characters, such as kuma.add.',
    )
  }
  if (name.startsWith('celery.'))
    throw bad(`task ${name}: names that begin with celery. are Celery's own`, "Use your application's name as the first part.")
  if (typeof handler !== 'function') throw bad(`task ${name}: the handler is ${handler === null ? 'null' : typeof handler}, not a function`)
  if (typeof declared !== 'object' || declared === null) throw bad(`task ${name}: the options are no object`)
  checkOptions(`task ${name}`, declared)
}

/** JavaScript counts the parameters before the first one with a default value; names marked `?` need not be given either. */
function requiredOf(name: string, { bind, params }: TaskOptions, handler: Handler): number {
  const counted = Math.max(0, handler.length - (bind ? 1 : 0))
  if (params === undefined) return counted
  if (params.length < counted) {
    throw bad(`task ${name}: params names ${params.length} of the ${counted} parameters of the handler`, 'Name all of them, in order.')
  }
  const optional = params.findIndex((param) => param.endsWith('?'))
  if (optional >= 0 && params.slice(optional).some((param, at) => !param.endsWith('?') && optional + at < counted)) {
    throw bad(`task ${name}: params marks ${params[optional]} but needs one after it`, 'Optional parameters come last.')
  }
  return optional < 0 ? counted : Math.min(counted, optional)
}

function bad(message: string, hint?: string): CelerityError {
  return new CelerityError('E_TASK_DEFINITION', { message, hint })
}
