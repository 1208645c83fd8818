import * as Args from '@oclif/core/args'
import * as Flags from '@oclif/core/flags'
import type { CallOptions } from '../src/app/call-options.js'
import { BaseCommand } from '../src/cli/base-command.js'
import { nearest } from '../src/config/spelling.js'
import { parseSeconds } from '../src/duration.js'
import { CelerityError, reason } from '../src/errors.js'
import { parseJson } from '../src/protocol/json.js'
import { repr } from '../src/protocol/python-repr.js'
import { safe } from '../src/terminal/safe.js'

interface Called {
  readonly id: string
  readonly task: string
  /** With --wait. */
  readonly result?: unknown
}

export default class Call extends BaseCommand<typeof Call> {
  static override summary = 'Send a task by name, to Node and Python workers alike'
  static override examples = [
    `<%= config.bin %> call kuma.add --args '[2, 3]' --wait`,
    `<%= config.bin %> call kuma.sendMail --kwargs '{"to": "a@example.org"}' --countdown 5m --queue mail`,
  ]
  static override args = { name: Args.string({ required: true, description: 'name of the task' }) }
  static override flags = {
    args: Flags.string({ char: 'a', helpValue: 'JSON', summary: 'list of arguments' }),
    kwargs: Flags.string({ char: 'k', helpValue: 'JSON', summary: 'object of keyword arguments' }),
    countdown: Flags.string({ helpValue: 'SPAN', summary: 'not before this long from now', exclusive: ['eta'] }),
    eta: Flags.string({ helpValue: 'ISO', summary: 'not before this moment' }),
    expires: Flags.string({ helpValue: 'SPAN|ISO', summary: 'not after it' }),
    queue: Flags.string({ helpValue: 'NAME', summary: 'instead of what the routes say' }),
    priority: Flags.integer({ min: 0, max: 255, summary: '0 is the highest' }),
    'task-id': Flags.string({ helpValue: 'ID', summary: 'instead of a new one' }),
    wait: Flags.boolean({ char: 'w', summary: 'wait for the result and print it' }),
    timeout: Flags.string({ helpValue: 'SPAN', summary: 'wait no longer than this', dependsOn: ['wait'] }),
  }

  async run(): Promise<Called> {
    const { name } = this.args
    const app = await this.client()
    const names = app.registry.names()
    if (names.length > 0 && app.registry.get(name) === undefined) {
      const meant = nearest(name, names)
      this.caution(`${name} is not registered in this application${meant === null ? '' : `; did you mean ${meant}?`}`)
    }
    const args = this.#json('args', Array.isArray, 'a list such as [2, 3]') as readonly unknown[] | undefined
    const result = await app.send(name, args ?? [], this.#options())
    if (!this.flags.wait) return this.show({ id: result.id, task: name }, ({ id }) => id)

    this.note(`${result.id} sent; waiting`)
    const value = await result.get(this.flags.timeout === undefined ? {} : { timeout: span('timeout', this.flags.timeout) })
    return this.show({ id: result.id, task: name, result: value }, () => safe(typeof value === 'string' ? value : repr(value)))
  }

  #options(): CallOptions {
    const { countdown, eta, expires, queue, priority } = this.flags
    const kwargs = this.#json('kwargs', isObject, 'an object such as {"x": 2}') as Record<string, unknown> | undefined
    return {
      ...(kwargs !== undefined && { kwargs }),
      ...(countdown !== undefined && { countdown: span('countdown', countdown) }),
      ...(eta !== undefined && { eta }),
      ...(expires !== undefined && { expires: parseSeconds(expires) ?? new Date(expires) }),
      ...(queue !== undefined && { queue }),
      ...(priority !== undefined && { priority }),
      ...(this.flags['task-id'] !== undefined && { taskId: this.flags['task-id'] }),
    }
  }

  #json(flag: 'args' | 'kwargs', fits: (value: unknown) => boolean, expected: string): unknown {
    const text = this.flags[flag]
    if (text === undefined) return undefined
    let value: unknown
    try {
      value = parseJson(text)
    } catch (cause) {
      throw new CelerityError('E_ARGUMENTS', {
        message: `--${flag} is not JSON: ${reason(cause)}`,
        hint: `Give ${expected}, in single quotes.`,
        cause,
      })
    }
    if (fits(value)) return value
    throw new CelerityError('E_ARGUMENTS', { message: `--${flag} is ${text.slice(0, 60)}`, hint: `Give ${expected}.` })
  }
}

function span(flag: string, text: string): number {
  const seconds = parseSeconds(text)
  if (seconds !== null) return seconds
  throw new CelerityError('E_ARGUMENTS', {
    message: `--${flag} ${text} is no span of time`,
    hint: "Give seconds, or such as '90s', '5m', '2h'.",
  })
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
