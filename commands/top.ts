import * as Flags from '@oclif/core/flags'
import type { Celerity } from '../src/app/celerity.js'
import { BaseCommand } from '../src/cli/base-command.js'
import { spanOf } from '../src/cli/flag-values.js'
import { selectQueues } from '../src/cli/queue-selection.js'
import { isWholeTerminal, Top as Screen } from '../src/cli/top.js'
import type { TopFeed } from '../src/cli/top-feed.js'
import type { TopDocument } from '../src/cli/top-text.js'
import { systemClock } from '../src/clock.js'
import type { Settings } from '../src/config/schema.js'
import type { ControlClient } from '../src/control/client.js'
import { CelerityError } from '../src/errors.js'
import { createLog, type Log } from '../src/log.js'

/** Seconds within which workers answer that they are there. */
const GREETING = 1
/** Seconds. */
const LEAST_INTERVAL = 0.1

export default class Top extends BaseCommand<typeof Top> {
  static override summary = 'Tasks, workers and queues as they change, on the whole terminal'
  static override description =
    "Keys are those of Celery's monitor: ? shows them. Without a terminal, or with --no-ui, a table every --interval; with --json one document."
  static override examples = ['<%= config.bin %> top', '<%= config.bin %> top --filter mail', '<%= config.bin %> top --once --json']
  static override flags = {
    filter: Flags.string({ helpValue: 'TEXT', summary: 'show only lines with these words, to begin with', default: '' }),
    'no-ui': Flags.boolean({ summary: 'plain tables, one after the other' }),
    once: Flags.boolean({ summary: 'one table, and the end' }),
    interval: Flags.string({ helpValue: 'SPAN', summary: 'between two plain tables', default: '2s' }),
  }

  #screen: Screen | null = null

  /** Seconds. @throws E_USAGE */
  #interval(): number {
    const seconds = spanOf('interval', this.flags.interval)
    if (seconds >= LEAST_INTERVAL) return seconds
    throw new CelerityError('E_USAGE', { message: `--interval ${this.flags.interval} is too short`, hint: 'Give 100ms or longer.' })
  }

  async run(): Promise<TopDocument | undefined> {
    const interval = this.#interval()
    const [app, settings, broker] = [await this.client(), await this.settings(), await this.broker()]
    const { Lamport } = await import('../src/protocol/lamport.js')
    const { openTopFeed } = await import('../src/cli/top-feed.js')
    const parts = { broker, lamport: new Lamport(), clock: systemClock, log: await this.logger() }
    const feed = await openTopFeed({ ...parts, queues: () => selectQueues(broker, app, settings, {}) })
    try {
      if (this.jsonEnabled() || this.flags.once) return await this.#once(feed)
      if (!this.#isTerminal()) return await this.#tables(feed, interval)
      const { ControlClient } = await import('../src/control/client.js')
      const control = new ControlClient(parts, { timeout: GREETING })
      await this.#interactive(feed, control, app).finally(() => control.close())
      return undefined
    } finally {
      await feed.close()
    }
  }

  async #interactive(feed: TopFeed, control: ControlClient, app: Celerity): Promise<void> {
    const { topActions } = await import('../src/cli/top-actions.js')
    const { stdin: input, stdout: output } = process
    const isColoured = this.look(output).paint('red', '') !== ''
    const parts = { feed, actions: topActions(app, control), input, output, clock: systemClock }
    this.#screen = new Screen(parts, { filter: this.flags.filter, isColoured })
    await this.#screen.run().finally(() => {
      this.#screen = null
    })
  }

  async #once(feed: TopFeed): Promise<TopDocument> {
    const { topDocument, topText } = await import('../src/cli/top-text.js')
    await systemClock.sleep(GREETING)
    const data = feed.data()
    this.show(data, topText)
    return topDocument(data)
  }

  async #tables(feed: TopFeed, interval: number): Promise<undefined> {
    const { topText } = await import('../src/cli/top-text.js')
    const { untilSignal } = await import('../src/cli/until-signal.js')
    await untilSignal(async (signal) => {
      await systemClock.sleep(Math.min(GREETING, interval), signal)
      while (!signal.aborted) {
        this.showLine(feed.data(), topText)
        await systemClock.sleep(interval, signal)
      }
    })
  }

  #isTerminal(): boolean {
    return !this.flags['no-ui'] && isWholeTerminal(process.stdin, process.stdout)
  }

  /** On the whole terminal nobody reads stderr, and what is written there spoils the picture. */
  protected override openLog(settings: Settings): Promise<Log> {
    if (!this.#isTerminal()) return super.openLog(settings)
    const say = (text: string) => (this.#screen === null ? this.caution(text) : this.#screen.say(text))
    return Promise.resolve(createLog('warning', (_, text) => say(text)))
  }
}
