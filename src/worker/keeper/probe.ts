/**
 * Asks the main thread what it is doing while its event loop is blocked. Such a thread answers no message; but JavaScript that runs, however
 * long, is interrupted for a word of the inspector, which a thread of the process may speak. What is asked is evaluated inside the call that
 * blocks: it sees that call's request and stack, and changes nothing. Native code (a child process waited for, a sleep) is not
 * interrupted: then there is no answer.
 */
import { Session } from 'node:inspector'

export interface Sighting {
  /** Id of the task whose code runs; null: no task's. */
  readonly id: string | null
  /** Lines of a stack, `    at resize (/app/image.js:4:9)`, innermost first; empty when they can't be told. */
  readonly stack: string
  /** Somebody debugs this process: it may stand still on purpose. */
  readonly isDebugged: boolean
}

/** Milliseconds until what has not answered counts as native code. */
const PATIENCE_MS = 300
const FRAMES = 20

/** `app/current.ts` keeps the requests under this symbol; errors are asked for a few more frames than users like to read. */
const QUESTION = `(() => {
  const limit = Error.stackTraceLimit
  try {
    Error.stackTraceLimit = ${FRAMES}
    const request = globalThis[Symbol.for('celerity.current-request')]?.getStore()
    const stack = String(new Error().stack)
    const inspector = process.getBuiltinModule('node:inspector')
    return JSON.stringify({ id: request === undefined ? null : String(request.id), stack, isDebugged: inspector.url() !== undefined })
  } catch {
    return ''
  } finally {
    Error.stackTraceLimit = limit
  }
})()`

/** Null: no answer. Never rejects. */
export async function sight(): Promise<Sighting | null> {
  const answer = await evaluate(QUESTION, PATIENCE_MS)
  if (answer === null) return null
  try {
    const { id, stack, isDebugged } = JSON.parse(answer) as Sighting
    return { id, stack: framesOf(stack), isDebugged }
  } catch {
    return null // cut off in the middle of something: it threw
  }
}

/**
 * Ends the process with `code`, if the main thread can be interrupted at all; resolves when it could not.
 *
 * Nothing of the process is asked any more: no `exit` handlers, which are user code and in the middle of something. A session of the inspector that
 * is open makes Node print a line about it at the end, which is no line of a log: the main thread's stderr is turned off before.
 */
export async function exitMain(code: number): Promise<void> {
  await evaluate(
    `(() => {
  const { closeSync, openSync } = process.getBuiltinModule('node:fs')
  try { closeSync(2); openSync('/dev/null', 'w') } catch {}
  process.reallyExit(${code})
})()`,
    PATIENCE_MS,
  )
}

/** The text that `expression` evaluates to in the main thread; null: no answer in time, or none that is a text. */
async function evaluate(expression: string, patienceMs: number): Promise<string | null> {
  const session = new Session()
  try {
    session.connectToMainThread()
    return await new Promise((resolve) => {
      setTimeout(() => resolve(null), patienceMs)
      session.post('Runtime.evaluate', { expression, returnByValue: true, silent: true }, (error, answer) => {
        const value: unknown = answer?.result?.value
        resolve(error === null && typeof value === 'string' ? value : null)
      })
    })
  } catch {
    return null // a Node built without the inspector, or one that forbids it
  } finally {
    session.disconnect()
  }
}

/** The frames of the code that was interrupted, without the name of the error, and without ours. */
function framesOf(stack: string): string {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line) && !/^\s+at <anonymous>:\d+:\d+\)?$/.test(line))
  return frames.join('\n')
}
