import * as Flags from '@oclif/core/flags'
import { BaseCommand, type Look } from '../src/cli/base-command.js'
import { spanOrMomentOf } from '../src/cli/flag-values.js'
import { settingFlag } from '../src/cli/flags.js'
import { errorsTable, type PastErrors, type PastTask, pastErrors, pastTask, tasksTable } from '../src/cli/history-text.js'
import { EXIT } from '../src/errors.js'
import type { HistoryFilter } from '../src/monitor/history.js'

export default class HistoryCommand extends BaseCommand<typeof HistoryCommand> {
  static override summary = 'What the monitor captured: which tasks ran, what became of them'
  static override description = 'Newest first. Exit code 3 when there is none; with --json one document a line.'
  static override examples = [
    '<%= config.bin %> history --state FAILURE --since 1h',
    { description: 'What fails, by error', command: '<%= config.bin %> history --errors --since 1d' },
    `<%= config.bin %> history --task 'mail.*' --slowest --limit 10`,
    '<%= config.bin %> history --search user-42 --json',
  ]
  static override flags = {
    state: Flags.string({ char: 's', helpValue: 'A,B', delimiter: ',', multiple: true, summary: 'only these: FAILURE, RETRY, STARTED …' }),
    task: Flags.string({ char: 't', helpValue: 'A,B', delimiter: ',', multiple: true, summary: "only tasks of these names: 'mail.*'" }),
    worker: Flags.string({ char: 'w', helpValue: 'A,B', delimiter: ',', multiple: true, summary: "only of these workers: 'celery@web-*'" }),
    since: Flags.string({ helpValue: 'SPAN|ISO', summary: 'not before: so long ago, or a moment' }),
    until: Flags.string({ helpValue: 'SPAN|ISO', summary: 'not after' }),
    search: Flags.string({ helpValue: 'TEXT', summary: 'only with this in the id, the name, the arguments, the result or the error' }),
    slowest: Flags.boolean({ exclusive: ['errors'], summary: 'the longest runs first' }),
    errors: Flags.boolean({ exclusive: ['slowest', 'state'], summary: 'failures, counted by error and task' }),
    limit: Flags.integer({ helpValue: 'N', min: 1, max: 100_000, default: 50, summary: 'no more than these' }),
    store: settingFlag('monitorStore', 'the database of the monitor', { helpValue: 'URL' }),
  }

  async run(): Promise<undefined> {
    const history = await this.snapshots()
    if (history === null) {
      this.note('Nothing was captured yet: `tasks monitor` does that, while it runs.')
      this.endWith(EXIT.notFound)
      return undefined
    }
    const { errors, slowest, limit } = this.flags
    const filter = this.#filter()
    if (errors) this.#print<PastErrors>((await history.errors(filter, limit)).map(pastErrors), errorsTable)
    else this.#print<PastTask>((await history.find({ ...filter, slowest, limit })).map(pastTask), tasksTable)
    for (const { events, detail, at } of await history.gaps(1)) {
      this.note(`Incomplete: ${events ?? 'some'} events were missed at ${new Date(at * 1000).toISOString()}: ${detail}`)
    }
    return undefined
  }

  #filter(): HistoryFilter {
    const { state, task, worker, since, until, search } = this.flags
    return {
      states: state?.map((one) => one.trim().toUpperCase()),
      tasks: task?.map((one) => one.trim()),
      workers: worker?.map((one) => one.trim()),
      since: since === undefined ? undefined : momentOf('since', since),
      until: until === undefined ? undefined : momentOf('until', until),
      search,
    }
  }

  #print<Item>(items: readonly Item[], render: (items: readonly Item[], look: Look) => string): void {
    if (this.jsonEnabled()) for (const item of items) this.showLine(item, () => '')
    else this.show(items, render)
    if (items.length > 0) return
    this.note('Nothing like that was captured.')
    this.endWith(EXIT.notFound)
  }

  /** With --json every line is a document already. */
  override logJson(json: unknown): void {
    if (json !== undefined) super.logJson(json)
  }
}

/** Unix seconds of "so long ago", or of a moment. */
function momentOf(flag: string, text: string): number {
  const value = spanOrMomentOf(flag, text)
  return typeof value === 'number' ? Date.now() / 1000 - value : value.getTime() / 1000
}
