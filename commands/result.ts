import * as Flags from '@oclif/core/flags'
import type { AsyncResult } from '../src/app/async-result.js'
import { BaseCommand, type Look } from '../src/cli/base-command.js'
import { spanOf } from '../src/cli/flag-values.js'
import { word } from '../src/cli/flags.js'
import { valueText } from '../src/cli/json-text.js'
import { EXIT } from '../src/errors.js'
import { RemoteTaskError } from '../src/protocol/error-wire.js'
import { isFinal } from '../src/protocol/result.js'
import { safe, safeLines } from '../src/terminal/safe.js'

interface ResultReport {
  readonly id: string
  readonly state: string
  /** The value, the meta of a state of its own, or null. */
  readonly value: unknown
  readonly error: { readonly type: string; readonly module: string; readonly message: string } | null
  readonly traceback: string | null
}

export default class Result extends BaseCommand<typeof Result> {
  static override summary = 'State and value of a task'
  static override description = 'Exit code 0 for SUCCESS, 1 for FAILURE and REVOKED, 3 while there is no final state.'
  static override examples = [
    '<%= config.bin %> result 3b0c0d5e-… --wait',
    { description: 'Every state as it comes: progress, retries, the end', command: '<%= config.bin %> result 3b0c0d5e-… --follow' },
  ]
  static override args = { id: word('id of the task') }
  static override flags = {
    wait: Flags.boolean({ char: 'w', summary: 'wait for the end' }),
    follow: Flags.boolean({ char: 'f', summary: 'print every state until the end', exclusive: ['wait'] }),
    timeout: Flags.string({
      helpValue: 'SPAN',
      summary: 'with --wait and --follow: no longer than this',
      relationships: [{ type: 'some', flags: ['wait', 'follow'] }],
    }),
    traceback: Flags.boolean({ summary: 'with the stack of a failure' }),
  }

  async run(): Promise<ResultReport | undefined> {
    const result = (await this.client()).result(this.args.id)
    const options = this.flags.timeout === undefined ? {} : { timeout: spanOf('timeout', this.flags.timeout) }
    if (this.flags.follow) return this.#follow(result, options)
    if (this.flags.wait) await result.wait(options)
    const report = await reportOf(result)
    this.endWith(exitOf(report.state))
    if (report.state === 'PENDING') this.note('Nothing is known of it: it waits, was never sent, or its result has expired.')
    return this.show(report, (data, look) => this.#text(data, look))
  }

  /** One document a state with --json, hence nothing returned. */
  async #follow(result: AsyncResult, options: { readonly timeout?: number }): Promise<undefined> {
    let last = ''
    for await (const { state, info } of result.follow(options)) {
      last = state
      const report = describe(result.id, state, info, null)
      this.showLine(report, (data, look) => this.#text(isFinal(state) ? data : { ...data, traceback: null }, look))
    }
    this.endWith(exitOf(last))
    return undefined
  }

  /** With --follow every line is a document already. */
  protected override toSuccessJson(result: unknown): unknown {
    return this.flags.follow ? undefined : super.toSuccessJson(result)
  }

  override logJson(json: unknown): void {
    if (json !== undefined) super.logJson(json)
  }

  #text({ state, value, error, traceback }: ResultReport, { paint }: Look): string {
    const colour = state === 'SUCCESS' ? 'green' : state === 'FAILURE' || state === 'REVOKED' ? 'red' : 'yellow'
    const what = error !== null ? safe(`${error.type}: ${error.message}`) : value === null && state !== 'SUCCESS' ? '' : valueText(value)
    const stack = this.flags.traceback && traceback !== null ? `\n${safeLines(traceback.trimEnd())}` : ''
    return `${paint(colour, safe(state))}${what === '' ? '' : ` ${what}`}${stack}`
  }
}

async function reportOf(result: AsyncResult): Promise<ResultReport> {
  const state = await result.state()
  return describe(result.id, state, await result.info(), await result.traceback())
}

function describe(id: string, state: string, info: unknown, traceback: string | null): ResultReport {
  if (info instanceof RemoteTaskError) {
    const { pythonType: type, message, pythonModule: module } = info
    return { id, state, value: null, error: { type, module, message }, traceback: traceback ?? info.traceback }
  }
  if (info instanceof Error) return { id, state, value: null, error: { type: info.name, module: '', message: info.message }, traceback }
  return { id, state, value: info ?? null, error: null, traceback }
}

function exitOf(state: string): 0 | 1 | 3 {
  if (state === 'SUCCESS') return EXIT.done
  return isFinal(state) ? EXIT.failed : EXIT.notFound
}
