import * as Flags from '@oclif/core/flags'
import { BaseCommand } from '../src/cli/base-command.js'
import { settingFlag } from '../src/cli/flags.js'
import { isJson, openLog } from '../src/cli/logging.js'
import { untilSignal } from '../src/cli/until-signal.js'
import type { Settings } from '../src/config/schema.js'
import { isCelerityError } from '../src/errors.js'
import type { Log } from '../src/log.js'
import { maskUrl } from '../src/mask.js'
import type { SnapshotStore } from '../src/monitor/store.js'
import type { ResultStore } from '../src/results/store.js'
import { ProgressLine } from '../src/terminal/progress-line.js'

export default class Monitor extends BaseCommand<typeof Monitor> {
  static override summary = 'Keep what becomes of tasks in a database'
  static override description = [
    'Every --freq seconds one transaction brings tasks and workers up to date; `tasks history` and `tasks show` ask it, and docs/monitor.md',
    'has its tables. Our workers keep their events for a monitor that is away, for up to a day; of Python workers it hears what happens',
    'while it runs, if they run with -E. Run as many as you like on one database.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> monitor --freq 2',
    { description: 'For several machines', command: '<%= config.bin %> monitor --store postgres://monitor@db/monitor' },
    { description: 'From cron: what happened since the last time, and no process that stays', command: '<%= config.bin %> monitor --once' },
  ]
  static override enableJsonFlag = false
  static override flags = {
    freq: settingFlag('monitorFrequency', 'span between two snapshots', { char: 'F', aliases: ['frequency'], helpValue: 'SPAN' }),
    store: settingFlag('monitorStore', 'the database: sqlite:FILE or postgres://…', { helpValue: 'URL' }),
    'max-rate': settingFlag('monitorMaxRate', "no more snapshots than that, such as '20/m'", {
      char: 'r',
      aliases: ['maxrate'],
      helpValue: 'RATE',
    }),
    'expire-success': settingFlag('monitorExpireSuccess', 'how long tasks that succeeded are kept', { helpValue: 'SPAN' }),
    'expire-error': settingFlag('monitorExpireError', 'how long those that failed are', { helpValue: 'SPAN' }),
    'expire-pending': settingFlag('monitorExpirePending', 'how long those of which nothing more was heard are', { helpValue: 'SPAN' }),
    'log-format': settingFlag('workerLogFormat', 'text, json, or auto: text on a terminal', { helpValue: 'FORMAT' }),
    once: Flags.boolean({ summary: 'one snapshot of what happened since the last, then the end' }),
    pidfile: Flags.string({ helpValue: 'FILE', summary: 'write the process number there' }),
    'health-port': Flags.integer({ helpValue: 'PORT', min: 0, max: 65_535, summary: 'answer /live and /ready there' }),
  }
  readonly #line = new ProgressLine(process.stderr, Date.now)

  async run(): Promise<void> {
    const settings = await this.settings()
    const log = await this.logger()
    const store = await this.#store(settings, log)
    if (store === undefined) return // told to stop while it waited
    try {
      const broker = await this.broker()
      const { createCamera } = await import('../src/monitor/create.js')
      const camera = createCamera(settings, this.flags.once, { broker, results: await this.#resultsIfAny(), store, log })
      log.info(`the monitor of ${maskUrl(settings.brokerUrl)} writes to ${store.place}`, { freq: settings.monitorFrequency })
      const { serveMonitor } = await import('../src/cli/serve-monitor.js')
      const { pidfile, 'health-port': healthPort } = this.flags
      const show = this.#moves(settings) ? (text: string) => this.#line.update(text) : null
      const exitCode = await serveMonitor(camera, { broker, store, show, log, pidfile, healthPort })
      process.exitCode = exitCode // whatever the application has left there
    } finally {
      this.#line.clear()
      await store.close()
    }
  }

  async #store({ monitorStore }: Settings, log: Log): Promise<SnapshotStore | undefined> {
    const { openSnapshots } = await import('../src/monitor/open.js')
    if (this.flags.once) return openSnapshots(monitorStore, { log })
    const { openPatiently } = await import('../src/monitor/create.js')
    return untilSignal((signal) => openPatiently(monitorStore, log, signal))
  }

  /** What became of a task whose worker died can stand there; where none are kept, it does without. */
  async #resultsIfAny(): Promise<ResultStore | null> {
    try {
      return await this.results()
    } catch (error) {
      if (isCelerityError(error) && error.code === 'E_RESULTS_DISABLED') return null
      throw error
    }
  }

  #moves({ workerLogFormat }: Settings): boolean {
    return process.stderr.isTTY === true && !isJson(workerLogFormat, process.stderr) && this.flags.quiet !== true
  }

  /** Lines go above the moving one. */
  protected override openLog({ logLevel, workerLogFormat }: Settings): Promise<Log> {
    const stream = {
      isTTY: process.stderr.isTTY,
      write: (text: string) => {
        this.#line.clear()
        return process.stderr.write(text)
      },
    }
    return openLog({ level: logLevel, format: workerLogFormat, stream, paint: this.look(process.stderr).paint, now: Date.now })
  }
}
