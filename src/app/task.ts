/** A registered task as its caller sees it: the function it was made from, and ways to send it. */
import type { AsyncResult } from './async-result.js'
import type { CallOptions } from './call-options.js'
import type { SendRequest } from './message-builder.js'
import type { TaskContext } from './task-context.js'
import type { TaskDefinition } from './task-definition.js'
import { type ApplyParameters, type Caller, TaskSignature } from './task-signature.js'

/** What may be given beforehand: the last parameters, because a callback's result comes first. */
type Tails<Args extends readonly unknown[]> = Args | (Args extends readonly [unknown, ...infer Rest] ? Tails<Rest> : readonly [])

/** The parameters that are left when the last ones are given: one goes for each, whatever its type was narrowed to. */
type Heads<Args extends readonly unknown[], Given extends readonly unknown[]> = Given extends readonly [unknown, ...infer More]
  ? Required<Args> extends readonly [...infer Rest, unknown]
    ? Heads<Rest, More>
    : readonly unknown[]
  : Args

/**
 * `Args` without the TaskContext; `Returned` as the handler returns it, a promise or not.
 *
 * @example const add = app.task('kuma.add', async (x: number, y: number) => x + y)
 */
export interface Task<Args extends readonly unknown[] = readonly unknown[], Returned = unknown> {
  /** Calls the function here and now; nothing is sent, stored or retried. */
  (...args: Args): Returned
  /** The registered name. */
  readonly name: string

  /** Sends it. Resolves when the broker has stored it; see `PublishBatch` for what it rejects with. */
  delay(...args: Args): Promise<AsyncResult<Awaited<Returned>>>
  /** Sends it, with options. */
  applyAsync(...call: ApplyParameters<Args>): Promise<AsyncResult<Awaited<Returned>>>
  /** Runs it here, over the whole path of a worker: encoded, decoded, validated, retried. Resolves when it is done. */
  apply(...call: ApplyParameters<Args>): Promise<AsyncResult<Awaited<Returned>>>

  /** A signature holding the last arguments; the first ones come when it is sent: `add.s(1).delay(2)` is `add(2, 1)`. */
  s<Given extends Tails<Args>>(...given: Given): TaskSignature<Heads<Args, Given>, Awaited<Returned>>
  /** A signature that takes no more arguments, not even the result of the task it is linked to. */
  si(...args: Args): TaskSignature<readonly [], Awaited<Returned>>
}

/**
 * The task made from a function. By the function's type as a whole, since a parameter that gets its type from its default value
 * (`limit = 10`) would be `unknown` if the compiler looked for the parameters one by one.
 */
export type TaskOf<Handler> = Handler extends (...args: infer Args) => infer Returned ? Task<Args, Returned> : never

/** @param context made for each direct call of a bound task */
export function createTask<Args extends readonly unknown[], Returned>(
  definition: TaskDefinition,
  caller: Caller,
  context: (args: Args) => TaskContext,
): Task<Args, Returned> {
  const { name, handler } = definition
  const request = (args: readonly unknown[] = [], options: CallOptions = {}): SendRequest => ({ task: name, args, options })
  const signature = (args: readonly unknown[], immutable: boolean) =>
    new TaskSignature<never, never>(caller, { task: name, args, kwargs: {}, options: {}, immutable })
  const direct = definition.bind ? (...args: Args) => handler(context(args), ...args) : (...args: Args) => handler(...args)

  const methods: Pick<Task<Args, Returned>, 'delay' | 'applyAsync' | 'apply'> & Record<'s' | 'si', unknown> = {
    async delay(...args) {
      return only(await caller.send([request(args)], methods.delay))
    },
    async applyAsync(...[args, options]) {
      return only(await caller.send([request(args, options)], methods.applyAsync))
    },
    async apply(...[args, options]) {
      return only([await caller.apply(request(args, options), methods.apply)])
    },
    s: (...given: readonly unknown[]) => signature(given, false),
    si: (...args: Args) => signature(args, true),
  }
  // A function's own `name` cannot be assigned, only defined.
  return Object.defineProperty(Object.assign(direct, methods), 'name', { value: name }) as unknown as Task<Args, Returned>
}

/** The one type cast between what a task returns and what the wire brings: the codec's round trip stands for it. */
function only<Result>([result]: readonly AsyncResult[]): AsyncResult<Result> {
  return result as AsyncResult<Result>
}
