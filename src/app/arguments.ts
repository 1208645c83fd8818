/**
 * From what a message carries to what a handler is called with. Used by the worker and by eager runs alike; errors use Python's words,
 * because a Python caller reads them as the TypeError it knows.
 */
import type { SchemaIssue, SchemaResult } from './standard-schema.js'
import type { TaskDefinition } from './task-definition.js'
import { ArgumentsError } from './throwables.js'

/**
 * @returns the positional arguments of the handler, without the TaskContext
 * @throws  ArgumentsError when they do not fit the parameters
 */
export function bindArguments(
  definition: TaskDefinition,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): readonly unknown[] {
  const names = Object.keys(kwargs)
  if (definition.params !== null) return bindByName(definition, definition.params, args, kwargs, names)
  if (names.length > 0) return [...args, kwargs]
  if (args.length < definition.required) throw tooFew(definition, definition.required - args.length)
  return args
}

function bindByName(
  definition: TaskDefinition,
  params: readonly string[],
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
  names: readonly string[],
): readonly unknown[] {
  if (args.length > params.length) throw tooMany(definition, params.length, args.length)
  const bound = names.length === 0 ? args : [...args]
  for (const name of names) {
    const at = params.indexOf(name)
    if (at < 0) throw wrong(definition, `got an unexpected keyword argument '${name}'`)
    if (at < args.length) throw wrong(definition, `got multiple values for argument '${name}'`)
    ;(bound as unknown[])[at] = kwargs[name]
  }
  const missing = params.slice(args.length, definition.required).filter((name) => !Object.hasOwn(kwargs, name))
  if (missing.length > 0) throw tooFew(definition, missing.length, missing)
  return bound
}

/**
 * The arguments as the task's schema makes them; the same array when there is none. Await only what is a promise: most tasks have none.
 * @throws ArgumentsError that names each place and what is wrong there
 */
export function validateArguments(definition: TaskDefinition, args: readonly unknown[]): readonly unknown[] | Promise<readonly unknown[]> {
  if (definition.schema === null) return args
  const result = definition.schema['~standard'].validate(args)
  return result instanceof Promise ? result.then((late) => validated(definition, late)) : validated(definition, result)
}

function validated(definition: TaskDefinition, result: SchemaResult<readonly unknown[]>): readonly unknown[] {
  if (result.issues === undefined) return result.value
  throw wrong(definition, `got wrong arguments: ${result.issues.map((issue) => describe(definition, issue)).join('; ')}`)
}

/** `x.name: Expected string`, the first step by the name of the parameter when it has one. */
function describe({ params }: TaskDefinition, { message, path }: SchemaIssue): string {
  const [first, ...rest] = (path ?? []).map((step) => String(typeof step === 'object' ? step.key : step))
  if (first === undefined) return message
  const position = Number(first)
  const parameter = params?.[position] ?? (Number.isInteger(position) ? `argument ${position + 1}` : first)
  return `${[parameter, ...rest].join('.')}: ${message}`
}

function tooFew(definition: TaskDefinition, count: number, names?: readonly string[]): ArgumentsError {
  // TypeScript's `y?` is gone at run time: to JavaScript, and so to us, it is a parameter like any other.
  const optional = " (one that may be left out needs a default value, or its name in params: 'y?')"
  const which = names === undefined ? optional : `: ${listed(names.map((name) => `'${name}'`))}`
  return wrong(definition, `missing ${count} required positional argument${count === 1 ? '' : 's'}${which}`)
}

function tooMany(definition: TaskDefinition, most: number, given: number): ArgumentsError {
  const takes = definition.required < most ? `from ${definition.required} to ${most}` : String(most)
  return wrong(
    definition,
    `takes ${takes} positional argument${takes === '1' ? '' : 's'} but ${given} ${given === 1 ? 'was' : 'were'} given`,
  )
}

/** 'x' · 'x' and 'y' · 'x', 'y', and 'z': as Python lists them. */
function listed(names: readonly string[]): string {
  if (names.length < 3) return names.join(' and ')
  return `${names.slice(0, -1).join(', ')}, and ${names.at(-1)}`
}

function wrong(definition: TaskDefinition, what: string): ArgumentsError {
  return new ArgumentsError(`${definition.name}() ${what}`)
}
