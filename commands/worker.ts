import { dirname } from 'node:path'
import * as Flags from '@oclif/core/flags'
import { BaseCommand } from '../src/cli/base-command.js'
import { type Health, serveHealth } from '../src/cli/health.js'
import { writePidfile } from '../src/cli/pidfile.js'
import { onStopSignals } from '../src/cli/stop-signals.js'
import { catchStrayErrors } from '../src/cli/stray-errors.js'
import { type Explained, explain } from '../src/config/explain.js'
import type { Settings } from '../src/config/schema.js'
import { CelerityError } from '../src/errors.js'
import type { Log } from '../src/log.js'
import type { Banner } from '../src/terminal/banner.js'
import { VERSION } from '../src/version.js'
import type { CreatedWorker } from '../src/worker/create.js'

export default class WorkerCommand extends BaseCommand<typeof WorkerCommand> {
  static override summary = 'Run tasks from the queues'
  static override description =
    `TERM or INT stops it in order: nothing more is taken, what has not started goes back at once, what runs may finish
for --grace. A second one, or QUIT, stops it now; what runs goes back.`
  static override examples = [
    { description: 'Ten tasks at once, and everything there is to know', command: '<%= config.bin %> worker -c 10 --log-level debug' },
    { description: 'Only mails', command: '<%= config.bin %> worker -A src/tasks.ts -Q mail' },
    { description: 'Work off what waits, then end', command: '<%= config.bin %> worker --once' },
  ]
  static override enableJsonFlag = false
  static override flags = {
    concurrency: Flags.string({ char: 'c', helpValue: 'N|auto', summary: 'tasks that run at once' }),
    queues: Flags.string({
      char: 'Q',
      helpValue: 'A,B',
      delimiter: ',',
      multiple: true,
      summary: 'queues to take from; default: all of the application',
    }),
    'exclude-queues': Flags.string({ char: 'X', helpValue: 'A,B', delimiter: ',', multiple: true, summary: 'but not from these' }),
    hostname: Flags.string({ char: 'n', helpValue: 'NAME@%h', summary: 'name of the node; %h host, %n host without domain, %d domain' }),
    'prefetch-multiplier': Flags.string({ helpValue: 'N|auto', summary: 'messages held per task that can run' }),
    'time-limit': Flags.string({ helpValue: 'SPAN', summary: 'a task has failed after this long' }),
    'soft-time-limit': Flags.string({ helpValue: 'SPAN', summary: "a task's signal fires after this long" }),
    grace: Flags.string({ helpValue: 'SPAN', summary: 'what running tasks get to finish when the worker stops' }),
    'log-format': Flags.string({ helpValue: 'FORMAT', summary: 'text, json, or auto: text on a terminal' }),
    once: Flags.boolean({ summary: 'end when the queues are empty; what is due later stays' }),
    purge: Flags.boolean({ summary: 'first remove what waits in these queues' }),
    pidfile: Flags.string({ char: 'p', helpValue: 'FILE', summary: 'write the process number there' }),
    'health-port': Flags.integer({ helpValue: 'PORT', min: 0, max: 65_535, summary: 'answer /live and /ready there' }),
    watch: Flags.boolean({ summary: 'start again when a source file changes' }),
  }

  async run(): Promise<void> {
    if (this.flags.watch) return this.#watch()
    const app = await this.app()
    const settings = await this.settings()
    const log = await this.logger()
    if (settings.taskAlwaysEager) log.warning('taskAlwaysEager is set: what this application sends runs where it is sent, not here')

    const { createWorker } = await import('../src/worker/create.js')
    const { queues, 'exclude-queues': excluded, once } = this.flags
    const created = await createWorker(app, { queues, excluded, once })
    if (created.options.queues.length === 0)
      throw new CelerityError('E_USAGE', { message: 'no queue is left to take from', hint: 'Give -Q.' })
    if (this.flags.purge) await this.#purge(created, log)
    await this.#greet(created, app.registry.names())
    await this.#serve(created, log)
  }

  async #serve({ worker, options }: CreatedWorker, log: Log): Promise<void> {
    const { pidfile, 'health-port': port } = this.flags
    const signals = onStopSignals(worker, (text) => log.info(text))
    const endStray = catchStrayErrors(log)
    const removePidfile = pidfile === undefined ? () => {} : writePidfile(pidfile)
    const state = (): Health => ({ node: options.node, ready: worker.ready, active: worker.active, processed: worker.processed })
    const health = port === undefined ? null : await serveHealth(port, state)
    if (health !== null) log.info(`health at port ${health.port}`, { port: health.port })
    try {
      log.info(`${options.node} ready.`, { concurrency: options.concurrency })
      await worker.run()
      log.info(`${options.node} stopped: ${worker.processed} tasks done`, { processed: worker.processed })
    } finally {
      await health?.close()
      removePidfile()
      endStray()
      signals.close()
      if (signals.exitCode !== 0) process.exitCode = signals.exitCode
    }
  }

  /** A handler that was given back may still be running, and would keep the process alive: nothing of it counts any more. */
  override async finally(error: Error | undefined): Promise<void> {
    await super.finally(error)
    if (!this.flags?.watch) setTimeout(() => process.exit(), 100).unref()
  }

  async #purge({ options }: CreatedWorker, log: Log): Promise<void> {
    const broker = await this.broker()
    for (const queue of options.queues) {
      const { ready, delayed } = await broker.queues.purge(queue)
      log.warning(`purged ${queue}`, { ready, delayed })
    }
  }

  async #greet({ options }: CreatedWorker, tasks: readonly string[]): Promise<void> {
    if (this.flags.quiet || (await this.settings()).workerLogFormat === 'json') return
    const settings = new Map(explain(await this.loaded()).map((one) => [one.name, one]))
    const line = (name: string, key: keyof Settings, value = shown(settings.get(key))) => ({
      name,
      value,
      origin: originOf(settings.get(key)),
    })
    const banner: Banner = {
      title: `${options.node} celerity ${VERSION}`,
      config: [
        line('app', 'app'),
        line('broker', 'brokerUrl'),
        line('results', 'resultBackend'),
        line('concurrency', 'workerConcurrency', `${options.concurrency} (async)`),
        line('lease', 'workerLease'),
        line('log level', 'logLevel'),
      ],
      queues: options.queues,
      tasks,
    }
    const { bannerText } = await import('../src/terminal/banner.js')
    process.stderr.write(bannerText(banner, this.look().paint))
  }

  protected override openLog({ logLevel, workerLogFormat }: Settings): Promise<Log> {
    return this.logTo(logLevel, workerLogFormat)
  }

  async #watch(): Promise<void> {
    const { settings } = await this.loaded()
    const { runWatched } = await import('../src/cli/watch.js')
    const folder = settings.app === null ? process.cwd() : dirname(settings.app)
    this.note(`Watching ${folder}`)
    process.exitCode = await runWatched(folder, (text) => this.note(text))
  }
}

function shown(setting: Explained | undefined): string {
  return typeof setting?.value === 'string' ? setting.value : JSON.stringify(setting?.value ?? null)
}

function originOf(setting: Explained | undefined): string | null {
  return setting === undefined || setting.layer === 'default' ? null : setting.origin
}
