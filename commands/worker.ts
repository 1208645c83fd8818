import { dirname } from 'node:path'
import * as Flags from '@oclif/core/flags'
import type { Celerity } from '../src/app/celerity.js'
import type { CreatedBeat } from '../src/beat/create.js'
import { BaseCommand } from '../src/cli/base-command.js'
import { queueList, settingFlag } from '../src/cli/flags.js'
import { launched } from '../src/cli/launcher.js'
import { isJson } from '../src/cli/logging.js'
import { namesOf, strangers } from '../src/cli/queue-selection.js'
import type { Place } from '../src/cli/session.js'
import type { Settings } from '../src/config/schema.js'
import { CelerityError } from '../src/errors.js'
import type { Log } from '../src/log.js'
import type { CreatedWorker } from '../src/worker/create.js'

export default class WorkerCommand extends BaseCommand<typeof WorkerCommand> {
  static override summary = 'Run tasks from the queues'
  static override description = [
    'TERM or INT stops it in order: nothing more is taken, what has not started goes back at once, what runs may finish for --grace.',
    'A second one, or QUIT, stops it now; what runs goes back. A broker that is away is waited for.',
  ].join(' ')
  static override examples = [
    { description: 'Ten tasks at once, and everything there is to know', command: '<%= config.bin %> worker -c 10 --log-level debug' },
    { description: 'Only mails', command: '<%= config.bin %> worker -A src/tasks.ts -Q mail' },
    { description: 'Work off what waits, then end', command: '<%= config.bin %> worker --once' },
  ]
  static override enableJsonFlag = false
  static override flags = {
    concurrency: settingFlag('workerConcurrency', 'tasks that run at once', { char: 'c', helpValue: 'N|auto' }),
    autoscale: settingFlag('workerAutoscale', 'or as many as there is work for, between these', { helpValue: 'MAX,MIN' }),
    queues: queueList('Q', 'queues to take from; default: all of the application'),
    'exclude-queues': queueList('X', 'but not from these'),
    hostname: settingFlag('workerHostname', 'name of the node; %h host, %n host without domain, %d domain', {
      char: 'n',
      helpValue: 'NAME@%h',
    }),
    'prefetch-multiplier': settingFlag('workerPrefetchMultiplier', 'messages held per task that can run', { helpValue: 'N|auto' }),
    'time-limit': settingFlag('taskTimeLimit', 'a task has failed after this long', { helpValue: 'SPAN' }),
    'soft-time-limit': settingFlag('taskSoftTimeLimit', "a task's signal fires after this long", { helpValue: 'SPAN' }),
    grace: settingFlag('workerGrace', 'what running tasks get to finish when the worker stops', { helpValue: 'SPAN' }),
    'log-format': settingFlag('workerLogFormat', 'text, json, or auto: text on a terminal', { helpValue: 'FORMAT' }),
    events: Flags.boolean({ char: 'E', aliases: ['task-events'], summary: 'tell monitors of every task (workerSendTaskEvents)' }),
    beat: Flags.boolean({ char: 'B', summary: 'send periodic tasks too, as `tasks beat`; every worker may' }),
    once: Flags.boolean({ summary: 'end when the queues are empty; what is due later stays' }),
    purge: Flags.boolean({ aliases: ['discard'], summary: 'first remove what waits in these queues' }),
    pidfile: Flags.string({ helpValue: 'FILE', summary: 'write the process number there' }),
    'health-port': Flags.integer({ helpValue: 'PORT', min: 0, max: 65_535, summary: 'answer /live and /ready there' }),
    restart: Flags.boolean({ summary: 'start again after a crash, or when a task ended or blocked the process (workerRestart)' }),
    watch: Flags.boolean({ exclusive: ['restart'], summary: 'start again when a source file changes' }),
  }

  readonly #launched = launched()
  #isLauncher = false

  async run(): Promise<void> {
    if (this.#launched === null && (await this.#launch())) return
    const app = await this.app()
    const settings = await this.settings()
    const log = await this.logger()
    if (settings.taskAlwaysEager) log.warning('taskAlwaysEager is set: what this application sends runs where it is sent, not here')
    const queues = namesOf(this.flags.queues)
    const excluded = namesOf(this.flags['exclude-queues']) ?? []
    for (const text of strangers(app, settings, [...(queues ?? []), ...excluded])) log.warning(text)

    const { createWorker } = await import('../src/worker/create.js')
    const created = await createWorker(app, { queues, excluded, once: this.flags.once })
    if (created.options.queues.length === 0)
      throw new CelerityError('E_USAGE', { message: 'No queue is left to take from', hint: '--exclude-queues takes out all there are.' })
    await this.#greet(created, app.registry.names(), log)
    const beat = this.flags.beat ? await this.#beat(app) : null
    const { serveWorker } = await import('../src/cli/serve-worker.js')
    const { pidfile, 'health-port': healthPort } = this.flags
    const exitCode = await serveWorker(created, {
      log,
      pidfile,
      healthPort,
      beat,
      launched: this.#launched,
      before: () => this.#purge(created, log),
    })
    process.exitCode = exitCode // whatever the application has left there
  }

  async #beat(app: Celerity): Promise<CreatedBeat> {
    const { createBeat } = await import('../src/beat/create.js')
    return createBeat(app, { once: this.flags.once, complete: true })
  }

  async #purge({ options }: CreatedWorker, log: Log): Promise<void> {
    if (!this.flags.purge) return
    const broker = await this.broker()
    for (const queue of options.queues) {
      log.warning(`purged ${queue}`, { ...(await broker.queues.purge(queue)) })
    }
  }

  async #greet({ options }: CreatedWorker, tasks: readonly string[], log: Log): Promise<void> {
    const settings = await this.loaded()
    const { bannerOf, logGreeting } = await import('../src/cli/worker-greeting.js')
    const greeting = { settings, options, tasks, beat: this.flags.beat }
    if (isJson(settings.settings.workerLogFormat, process.stderr)) return logGreeting(log, greeting)
    const { bannerText } = await import('../src/terminal/banner.js')
    this.showAside(bannerOf(greeting), (banner, { paint }) => bannerText(banner, paint))
  }

  protected override openLog({ logLevel, workerLogFormat }: Settings): Promise<Log> {
    return this.logTo(logLevel, workerLogFormat)
  }

  /** A handler that was given back may still be running, and would keep the process alive: nothing of it counts any more. */
  override async finally(error: Error | undefined): Promise<void> {
    await super.finally(error)
    if (this.#isLauncher) return
    this.#launched?.endsInOrder()
    setTimeout(() => process.exit(), 100).unref()
  }

  /** True: the worker ran in a child of this process, which only looked after it. */
  async #launch(): Promise<boolean> {
    const { watch, restart } = this.flags
    const place = await this.place()
    if (!watch && !restart && !place.settings.workerRestart) return false
    this.#isLauncher = true
    process.exitCode = watch ? await this.#watch(place) : await this.#restart(place)
    return true
  }

  async #restart({ settings }: Place): Promise<number> {
    const { runRestarted } = await import('../src/cli/restart.js')
    return runRestarted(await this.openLog(settings))
  }

  async #watch({ folder, app }: Place): Promise<number> {
    const isWithin = app === null || app.startsWith(`${folder}/`)
    const folders = isWithin ? [folder] : [folder, dirname(app)]
    this.note(`Watching ${folders.join(' and ')}`)
    const { runWatched } = await import('../src/cli/watch.js')
    return runWatched(folders, (text) => this.note(text))
  }
}
