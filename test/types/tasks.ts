/**
 * What the types promise, held by the compiler: nothing here runs. A line under `@ts-expect-error` must not compile; `exactly` fails to
 * compile when a type is not the very one.
 */
import { z } from 'zod'
import { type AsyncResult, Celerity, type Task, type TaskContext, type TaskSignature } from '../../src/index.js'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function exactly<Expected, Got>(...proof: Same<Expected, Got> extends true ? [] : ['these types differ', Expected, Got]): void

const app = new Celerity('kuma')
class SmtpError extends Error {}

const add = app.task('kuma.add', async (x: number, y: number) => x + y)
const greet = app.task('kuma.greet', { queue: 'mail', timeLimit: '5m' }, (name: string, greeting = 'Hello') => `${greeting} ${name}`)
const optional = app.task('kuma.optional', (limit = 10) => limit)
const refresh = app.task('kuma.refresh', () => {})
const sendMail = app.task(
  'kuma.sendMail',
  { bind: true, queue: 'mail', retry: { on: [SmtpError], max: 5, backoff: true }, softTimeLimit: 20, timeLimit: 30 },
  async (task, to: string) => {
    exactly<TaskContext, typeof task>()
    await task.progress({ sent: 1, total: 3 })
    return { to }
  },
)
const checked = app.task('kuma.checked', { schema: z.tuple([z.number(), z.string()]) }, (count, word) => {
  exactly<number, typeof count>()
  exactly<string, typeof word>()
  return word.repeat(count)
})

export async function calls(): Promise<void> {
  // A task is the function it was made from.
  exactly<Promise<number>, ReturnType<typeof add>>()
  exactly<string, ReturnType<typeof greet>>()
  // @ts-expect-error not a number
  add('x', 1)
  // @ts-expect-error the context is not for the caller
  sendMail({} as TaskContext, 'ada@example.org')
  sendMail('ada@example.org')

  const sum = await add.delay(2, 3)
  exactly<AsyncResult<number>, typeof sum>()
  const value = await sum.get({ timeout: 10 })
  exactly<number, typeof value>()
  const mail = await (await sendMail.delay('ada@example.org')).get()
  exactly<{ to: string }, typeof mail>()
  const nothing = await refresh.delay()
  exactly<AsyncResult<void>, typeof nothing>()
  await greet.delay('Ada')
  await optional.applyAsync()
  await greet.delay('Ada', 'Welcome')
  // @ts-expect-error a default value gives its parameter a type
  await greet.delay('Ada', 5)
  await checked.delay(2, 'ab')

  // @ts-expect-error a string is no number
  await add.delay('x')
  // @ts-expect-error the second argument is missing
  await add.delay(1)
  // @ts-expect-error one argument too many
  await add.delay(1, 2, 3)
  // @ts-expect-error the context is not for the caller
  await sendMail.delay({} as TaskContext, 'ada@example.org')
  // @ts-expect-error the schema says what goes in
  await checked.delay('ab', 2)
}

export async function options(): Promise<void> {
  await add.applyAsync([2, 3], { countdown: 10, expires: 60, priority: 3, queue: 'slow', link: add.s(1) })
  await add.applyAsync([2, 3], { countdown: '1h30m', eta: new Date(), linkError: [refresh.si()] })
  await refresh.applyAsync()
  await refresh.applyAsync([], { queue: 'slow' })
  const here = await add.apply([2, 3])
  exactly<AsyncResult<number>, typeof here>()

  // @ts-expect-error arguments are needed
  await add.applyAsync()
  // @ts-expect-error of the right types
  await add.applyAsync([2, '3'])
  // @ts-expect-error no such option
  await add.applyAsync([2, 3], { countDown: 10 })
  // @ts-expect-error no span of time
  await add.applyAsync([2, 3], { countdown: 'soon' })
}

export async function signatures(): Promise<void> {
  const partial = add.s(1)
  exactly<TaskSignature<[x: number], number>, typeof partial>()
  exactly<AsyncResult<number>, Awaited<ReturnType<typeof partial.delay>>>()
  await partial.delay(2)
  await add.s().delay(1, 2)
  await add.s(1, 2).delay()
  await add.si(1, 2).set({ queue: 'slow' }).delay()

  // @ts-expect-error the first argument is still missing
  await partial.delay()
  // @ts-expect-error no number
  add.s('x')
  // @ts-expect-error an immutable signature is complete
  add.si(1)

  const results = await app.sendMany([add.s(1, 2), greet.si('Ada', 'Hi'), refresh.s()])
  exactly<number, Awaited<ReturnType<(typeof results)[0]['get']>>>()
  exactly<string, Awaited<ReturnType<(typeof results)[1]['get']>>>()
  await app.sendMany([app.signature('python.module.task', [1])])
  // @ts-expect-error incomplete
  await app.sendMany([partial])
}

export async function elsewhere(): Promise<void> {
  const unknown = await app.send('python.module.task', [1], { kwargs: { y: 2 } })
  exactly<AsyncResult<unknown>, typeof unknown>()
  const typed = await app.send<number>('python.module.task', [1])
  exactly<AsyncResult<number>, typeof typed>()
  const known = app.result<string>('some-id')
  for await (const { state, info } of known.follow()) {
    exactly<string, typeof state>()
    exactly<unknown, typeof info>()
  }
}

export function definitions(): void {
  // A task of any kind may be held as one.
  const tasks: readonly Task<never, unknown>[] = [add, greet, sendMail, refresh]
  void tasks
  // @ts-expect-error no such option
  app.task('kuma.bad', { quue: 'mail' }, () => {})
  // @ts-expect-error a list of classes
  app.task('kuma.bad', { retry: { on: SmtpError } }, () => {})
  // @ts-expect-error late or early
  app.task('kuma.bad', { acks: 'never' }, () => {})
  // @ts-expect-error a handler is missing
  app.task('kuma.bad', { queue: 'mail' })
  app.task('kuma.bound', { bind: true }, (task: TaskContext) => task.retry({ countdown: '5m', cause: new SmtpError('busy') }))
}
