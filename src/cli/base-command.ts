/**
 * What every command has: the common flags, settings with origins, the application, broker and results (opened when asked for, closed at
 * the end), output for people or as JSON, errors in one shape, exit codes.
 */

import type { Interfaces } from '@oclif/core'
import { Command } from '@oclif/core/command'
import type { Celerity } from '../app/celerity.js'
import type { Broker } from '../broker/broker.js'
import type { LoadedSettings } from '../config/load.js'
import type { Settings } from '../config/schema.js'
import { EXIT } from '../errors.js'
import { createLog, type Log, type LogLevel } from '../log.js'
import { maskUrl } from '../mask.js'
import type { History } from '../monitor/history.js'
import type { ResultStore } from '../results/store.js'
import { type Paint, paint } from '../terminal/colour.js'
import { safe } from '../terminal/safe.js'
import { type Consent, confirm } from './confirm.js'
import { describeError, type ErrorReport, errorDocument, errorText } from './error-report.js'
import { COMMON_FLAGS } from './flags.js'
import { jsonText } from './json-text.js'
import { isJson, openLog } from './logging.js'
import { type Place, Session } from './session.js'
import { claimStdout, endWithOutput, type Output } from './stdout.js'
import { twinOf } from './thread-log.js'

export type FlagsOf<C extends typeof Command> = Interfaces.InferredFlags<(typeof BaseCommand)['baseFlags'] & C['flags']>
export type ArgsOf<C extends typeof Command> = Interfaces.InferredArgs<C['args']>

/** How text for people may look. */
export interface Look {
  readonly paint: Paint
  /** Columns of the terminal; undefined when it is none. */
  readonly width: number | undefined
  /** Milliseconds since 1970, for relative times. */
  readonly now: number
}

/** Flags whose value may hold a password. */
const PASSWORD_FLAGS = ['broker', 'result-backend', 'store'] as const

export abstract class BaseCommand<C extends typeof Command> extends Command {
  static override enableJsonFlag = true
  static override baseFlags = COMMON_FLAGS

  protected flags!: FlagsOf<C>
  protected args!: ArgsOf<C>
  /** All words that are no flags: for commands that take any number of them (`strict = false`). */
  protected words: readonly string[] = []
  /** Where data goes. */
  protected stdout: Output = process.stdout
  #session: Session | null = null

  override async init(): Promise<void> {
    await super.init()
    endWithOutput(process)
    const { flags, args, argv } = await this.parse({
      flags: this.ctor.flags,
      baseFlags: this.ctor.baseFlags,
      args: this.ctor.args,
      strict: this.ctor.strict,
      enableJsonFlag: this.ctor.enableJsonFlag,
    })
    this.flags = flags as FlagsOf<C>
    this.args = args as ArgsOf<C>
    this.words = argv.map(String)
    // On a terminal a person tells one from the other; a program that reads our output cannot.
    if (this.ctor.enableJsonFlag && (this.jsonEnabled() || !process.stdout.isTTY)) this.stdout = claimStdout(process)
    this.#coverPasswords()
  }

  /** Whoever is on this machine may read the words of a process; the history of a shell keeps them. */
  #coverPasswords(): void {
    const flags: Readonly<Record<string, unknown>> = this.flags
    const open = PASSWORD_FLAGS.filter((flag) => {
      const url = flags[flag]
      return typeof url === 'string' && maskUrl(url) !== url
    })
    if (open.length === 0) return
    process.title = ['tasks', ...process.argv.slice(2).map(maskUrl)].join(' ')
    this.caution(
      `--${open.join(' and --')}: a password on a command line can be read by others; keep it in TASKS_BROKER_URL or a settings file`,
    )
  }

  /** Settings of flags, environment, file and the application's code, with their origins: to be shown, even if the code does not load. */
  protected loaded(): Promise<LoadedSettings> {
    return this.#work().loaded()
  }

  /** Where the project is and which module is the application, without loading it. */
  protected place(): Promise<Place> {
    return this.#work().place()
  }

  /** The settings, to act on. */
  protected settings(): Promise<Settings> {
    return this.#work().settings()
  }

  /** The user's application, configured; E_APP_MISSING or E_APP_LOAD when there is none. */
  protected app(): Promise<Celerity> {
    return this.#work().app()
  }

  /** The same; null where nobody names a module. */
  protected appIfNamed(): Promise<Celerity | null> {
    return this.#work().appIfNamed()
  }

  /** The user's application, or where none is named one without tasks: to send by name, to read results. */
  protected client(): Promise<Celerity> {
    return this.#work().client()
  }

  protected broker(): Promise<Broker> {
    return this.#work().broker()
  }

  protected results(): Promise<ResultStore> {
    return this.#work().results()
  }

  /** What a monitor captured; null where none has ever run. */
  protected snapshots(): Promise<History | null> {
    return this.#work().history()
  }

  /** The log of what runs in this command. What is said to the person in front of it goes through `note` and `caution`. */
  protected logger(): Promise<Log> {
    return this.#work().log()
  }

  /** Prints `data` as text, unless `--json` prints what `run` returns. An empty text prints nothing. */
  protected show<Data>(data: Data, render: (data: Data, look: Look) => string): Data {
    if (!this.jsonEnabled()) writeText(this.stdout, render(data, this.look(this.stdout)))
    return data
  }

  /** Prints `data` as text on stderr: what a person needs to see before a question. */
  protected showAside<Data>(data: Data, render: (data: Data, look: Look) => string): void {
    if (this.flags?.quiet !== true) writeText(process.stderr, render(data, this.look(process.stderr)))
  }

  /** One item of a stream: a line of JSON with `--json`, else a line of text. */
  protected showLine<Data>(data: Data, render: (data: Data, look: Look) => string): void {
    this.stdout.write(`${this.jsonEnabled() ? jsonText(data) : render(data, this.look(this.stdout))}\n`)
  }

  /** Where logs of this command go: warnings and worse, in words, unless another level was asked for. A command that runs for long has its own. */
  protected openLog({ logLevel }: Settings): Promise<Log> {
    // What an adapter says at level info is news in a worker, and noise under the output of a command.
    if (logLevel !== 'info') return this.logTo(logLevel, 'text')
    return Promise.resolve(createLog('warning', (_, text) => this.caution(text)))
  }

  protected logTo(level: LogLevel, format: Settings['workerLogFormat']): Promise<Log> {
    const stream = process.stderr
    const paint = this.#paint(stream)
    const twin = twinOf(level, isJson(format, stream) ? 'json' : 'text', paint)
    return openLog({ level, format, stream, paint, now: Date.now, twin })
  }

  /** How text for `stream` may look. */
  protected look(stream: Pick<Output, 'isTTY' | 'columns'>): Look {
    return { paint: this.#paint(stream), width: stream.isTTY ? stream.columns : undefined, now: Date.now() }
  }

  /** A line for the person, on stderr. */
  protected note(text: string): void {
    if (this.flags?.quiet !== true) process.stderr.write(`${safe(text)}\n`)
  }

  protected caution(text: string): void {
    if (this.flags?.quiet !== true) process.stderr.write(`${this.#paint(process.stderr)('yellow', 'Warning:')} ${safe(text)}\n`)
  }

  /**
   * Asks on the terminal unless `--yes` or `--dry-run` answers. After a no the command ends with exit code 1.
   *
   * @throws E_USAGE when there is nobody to ask
   */
  protected async confirm(question: string, consent: Consent): Promise<boolean> {
    const agreed = await confirm(question, consent, { input: process.stdin, output: process.stderr })
    if (!agreed && consent.dryRun !== true) {
      this.note('Nothing was changed.')
      process.exitCode = EXIT.failed
    }
    return agreed
  }

  /** Ends with `code` although nothing failed: nothing was found, the condition does not hold. */
  protected endWith(code: (typeof EXIT)[keyof typeof EXIT]): void {
    process.exitCode = code
  }

  /** oclif's own cannot show a BigInt. */
  override logJson(json: unknown): void {
    this.stdout.write(`${jsonText(json, 2)}\n`)
  }

  /** Reports and sets the exit code; nothing is thrown on, so that what is open gets closed. */
  override async catch(error: unknown): Promise<void> {
    const commands = this.config.commandIDs.map((id) => id.replaceAll(':', ' '))
    const report = describeError(error, { command: this.id?.replaceAll(':', ' '), commands })
    process.exitCode = report.exit
    if ('silent' in report) return
    this.#write(report, await this.#isDebug())
  }

  #write(report: ErrorReport, withStack: boolean): void {
    if (this.jsonEnabled()) this.logJson(errorDocument(report, withStack))
    else process.stderr.write(errorText(report, this.#paint(process.stderr), withStack))
  }

  override async finally(error: Error | undefined): Promise<void> {
    await this.#session?.close()
    process.off('exit', this.#ending)
    await super.finally(error)
  }

  /** Code that ends the process while it is loaded must not look like a command that has done its work. */
  readonly #ending = (): void => {
    const error = this.#session?.endedMidway ?? null
    if (error === null) return
    const report = describeError(error, { commands: [] })
    if ('silent' in report) return
    process.exitCode = report.exit
    this.#write(report, false)
  }

  /** Only here the environment is read: into `Settings`, and for colour. */
  #work(): Session {
    if (this.#session !== null) return this.#session
    process.on('exit', this.#ending)
    this.#session = new Session({
      cwd: process.cwd(),
      env: process.env,
      flags: this.flags,
      file: this.flags.config,
      warn: (text) => this.caution(text),
      openLog: (settings) => this.openLog(settings),
    })
    return this.#session
  }

  #paint(stream: { readonly isTTY?: boolean }): Paint {
    return paint({ isTTY: stream.isTTY === true, allowed: this.flags?.['no-color'] !== true, env: process.env })
  }

  async #isDebug(): Promise<boolean> {
    const flag = this.flags?.['log-level']
    if (flag !== undefined) return flag.toLowerCase() === 'debug'
    const settings = await this.#session?.settings().catch(() => null) // they may be what failed
    return settings?.logLevel === 'debug' || process.env['TASKS_LOG_LEVEL']?.toLowerCase() === 'debug'
  }
}

function writeText(stream: Pick<Output, 'write'>, text: string): void {
  if (text !== '') stream.write(text.endsWith('\n') ? text : `${text}\n`)
}
