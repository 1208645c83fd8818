import * as Flags from '@oclif/core/flags'
import type { CreatedBeat } from '../src/beat/create.js'
import { BaseCommand } from '../src/cli/base-command.js'
import { settingFlag } from '../src/cli/flags.js'
import { isJson } from '../src/cli/logging.js'
import type { Settings } from '../src/config/schema.js'
import type { Log } from '../src/log.js'

export default class BeatCommand extends BaseCommand<typeof BeatCommand> {
  static override summary = 'Send periodic tasks when they are due'
  static override description = [
    'Run as many as you like: one leads, the others stand by, and each occurrence is sent once. When the leader dies another leads after',
    'beatLease; when it is stopped with TERM or INT, at once. A broker that is away is waited for.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> beat',
    { description: 'From cron: what is due now, and no process that stays', command: '<%= config.bin %> beat --once' },
  ]
  static override enableJsonFlag = false
  static override flags = {
    'max-interval': settingFlag('beatMaxInterval', 'how long it sleeps at most before it looks for edits', { helpValue: 'SPAN' }),
    'log-format': settingFlag('workerLogFormat', 'text, json, or auto: text on a terminal', { helpValue: 'FORMAT' }),
    once: Flags.boolean({ summary: 'send what is due now, then end' }),
    pidfile: Flags.string({ helpValue: 'FILE', summary: 'write the process number there' }),
    'health-port': Flags.integer({ helpValue: 'PORT', min: 0, max: 65_535, summary: 'answer /live and /ready there' }),
  }

  async run(): Promise<void> {
    const named = await this.appIfNamed()
    const log = await this.logger()
    const { createBeat } = await import('../src/beat/create.js')
    const created = await createBeat(named ?? (await this.client()), { once: this.flags.once, complete: named !== null })
    await this.#greet(created, log)
    const { serveBeat } = await import('../src/cli/serve-beat.js')
    const { pidfile, 'health-port': healthPort } = this.flags
    const exitCode = await serveBeat(created, { log, pidfile, healthPort })
    process.exitCode = exitCode // whatever the application has left there
  }

  async #greet(created: CreatedBeat, log: Log): Promise<void> {
    const settings = await this.loaded()
    const { beatBannerOf, logBeatGreeting } = await import('../src/cli/beat-greeting.js')
    const greeting = { settings, options: created.options, declared: created.declared }
    if (isJson(settings.settings.workerLogFormat, process.stderr)) return logBeatGreeting(log, greeting)
    const { bannerText } = await import('../src/terminal/banner.js')
    this.showAside(beatBannerOf(greeting), (banner, { paint }) => bannerText(banner, paint))
  }

  protected override openLog({ logLevel, workerLogFormat }: Settings): Promise<Log> {
    return this.logTo(logLevel, workerLogFormat)
  }
}
