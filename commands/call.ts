import * as Flags from '@oclif/core/flags'
import type { AsyncResult } from '../src/app/async-result.js'
import type { CallOptions } from '../src/app/call-options.js'
import type { Celerity } from '../src/app/celerity.js'
import { BaseCommand } from '../src/cli/base-command.js'
import { listOf, momentOf, objectOf, queueOf, spanOf, spanOrMomentOf, taskIdOf } from '../src/cli/flag-values.js'
import { word } from '../src/cli/flags.js'
import { valueText } from '../src/cli/json-text.js'
import { nearest } from '../src/config/spelling.js'
import { safe } from '../src/terminal/safe.js'

interface Called {
  readonly id: string
  readonly task: string
  /** With --wait. */
  readonly result?: unknown
}

export default class Call extends BaseCommand<typeof Call> {
  static override summary = 'Send a task by name, to Node and Python workers alike'
  static override description = 'Prints its id. With --wait what it returned; exit code 1 when it failed, 124 when --timeout ran out.'
  static override examples = [
    `<%= config.bin %> call kuma.add --args '[2, 3]' --wait`,
    `<%= config.bin %> call kuma.sendMail --kwargs '{"to": "a@example.org"}' --countdown 5m --queue mail`,
  ]
  static override args = { name: word('name of the task') }
  static override flags = {
    args: Flags.string({ char: 'a', helpValue: 'JSON', summary: 'list of arguments' }),
    kwargs: Flags.string({ char: 'k', helpValue: 'JSON', summary: 'object of keyword arguments' }),
    countdown: Flags.string({ helpValue: 'SPAN', summary: 'not before this long from now', exclusive: ['eta'] }),
    eta: Flags.string({ helpValue: 'ISO', summary: 'not before this moment' }),
    expires: Flags.string({ helpValue: 'SPAN|ISO', summary: 'not after it' }),
    queue: Flags.string({ helpValue: 'NAME', summary: 'instead of what the routes say' }),
    priority: Flags.integer({ helpValue: 'N', min: 0, max: 255, summary: '0 is the highest' }),
    'task-id': Flags.string({ helpValue: 'ID', summary: 'instead of a new one' }),
    wait: Flags.boolean({ char: 'w', summary: 'wait for the result and print it' }),
    timeout: Flags.string({ helpValue: 'SPAN', summary: 'wait no longer than this', dependsOn: ['wait'] }),
  }

  async run(): Promise<Called> {
    const { name } = this.args
    const { args, wait, timeout } = this.flags
    const waiting = timeout === undefined ? {} : { timeout: spanOf('timeout', timeout) }
    const options = this.#options()
    const list = args === undefined ? [] : listOf('args', args)
    const app = await this.client()
    this.#warnOfSlip(app, name)
    const result = await app.send(name, list, options)
    if (!wait) return this.show({ id: result.id, task: name }, ({ id }) => safe(id))

    this.note(`${result.id} sent; waiting`)
    const value = await this.#valueOf(result, waiting)
    return this.show({ id: result.id, task: name, result: value }, () => valueText(value))
  }

  async #valueOf(result: AsyncResult, options: { readonly timeout?: number }): Promise<unknown> {
    try {
      return await result.get(options)
    } catch (error) {
      const { traceback } = error as { readonly traceback?: string | null }
      // Run here, it may be kept nowhere: then this is the only moment to see where it failed.
      if (traceback && (await this.settings()).taskAlwaysEager) for (const line of traceback.trimEnd().split('\n')) this.note(line)
      else if (traceback) this.note(`\`tasks result ${result.id} --traceback\` shows where it failed.`)
      throw error
    }
  }

  #options(): CallOptions {
    const { kwargs, countdown, eta, expires, queue, priority, 'task-id': taskId } = this.flags
    return {
      ...(kwargs !== undefined && { kwargs: objectOf('kwargs', kwargs) }),
      ...(countdown !== undefined && { countdown: spanOf('countdown', countdown) }),
      ...(eta !== undefined && { eta: momentOf('eta', eta) }),
      ...(expires !== undefined && { expires: spanOrMomentOf('expires', expires) }),
      ...(queue !== undefined && { queue: queueOf('queue', queue) }),
      ...(priority !== undefined && { priority }),
      ...(taskId !== undefined && { taskId: taskIdOf('task-id', taskId) }),
    }
  }

  /** Not refused: the task may live in another application, in Python even. */
  #warnOfSlip(app: Celerity, name: string): void {
    const names = app.registry.names()
    if (names.length === 0 || app.registry.get(name) !== undefined) return
    const meant = nearest(name, names)
    this.caution(`${name} is not registered in this application${meant === null ? '' : `; did you mean ${meant}?`}`)
  }
}
