/** What one command works with: settings, application, broker, results; each opened when first asked for and closed at the end. */
import type { Celerity } from '../app/celerity.js'
import type { Broker } from '../broker/broker.js'
import { type LoadedSettings, readSources, resolveSettings, type Sources } from '../config/load.js'
import type { Settings } from '../config/schema.js'
import { CelerityError, reason } from '../errors.js'
import type { Log } from '../log.js'
import type { History } from '../monitor/history.js'
import type { ResultStore } from '../results/store.js'
import { appMissing, loadApp, loadImports } from './load-app.js'
import { LoadGuard } from './load-guard.js'

export interface SessionOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Flags that were given, by name without dashes. */
  readonly flags: Readonly<Record<string, unknown>>
  /** `--config`. */
  readonly file: string | undefined
  /** Hears warnings, one line each. */
  readonly warn: (text: string) => void
  /** The log for what is opened, at the level of the settings. */
  readonly openLog: (settings: Settings) => Promise<Log>
}

/** What is known before the application is loaded. */
export interface Place {
  readonly folder: string
  readonly app: string | null
  /** Without what the application's code says. */
  readonly settings: Settings
}

interface Loaded {
  readonly settings: LoadedSettings
  /** Null when no module is named, or when it did not load. */
  readonly app: Celerity | null
  /** Why it did not. */
  readonly failure?: unknown
  readonly log: Log
}

export class Session {
  readonly #options: SessionOptions
  readonly #guard: LoadGuard
  readonly #open: { close(): Promise<void> }[] = []
  #sources: Promise<Sources> | null = null
  #loaded: Promise<Loaded> | null = null
  #warned = false
  #broker: Promise<Broker> | null = null
  #results: Promise<ResultStore> | null = null
  #bare: Promise<Celerity> | null = null
  #history: Promise<History | null> | null = null

  constructor(options: SessionOptions) {
    this.#options = options
    this.#guard = new LoadGuard(options.warn)
  }

  /** What to say if the process ends now, in the middle of loading somebody's code; null: nothing is being loaded. */
  get endedMidway(): CelerityError | null {
    return this.#guard.endedMidway
  }

  /** What there is to say about the settings, with what the application's code says as far as that could be loaded. */
  async loaded(): Promise<LoadedSettings> {
    const loaded = await this.#load()
    this.#warnOfFailure(loaded)
    return loaded.settings
  }

  /** Where the project is and which module is the application (absolute), as far as that can be told without loading it. */
  async place(): Promise<Place> {
    const sources = await this.#read()
    const { settings } = resolveSettings(sources)
    return { folder: sources.folder ?? this.#options.cwd, app: settings.app, settings }
  }

  /** To act on: with what the application's code says, for a command must meet the same broker as the worker. @throws E_APP_LOAD */
  async settings(): Promise<Settings> {
    return (await this.#safe()).settings.settings
  }

  /**
   * The application, configured, with the modules of `imports` loaded.
   *
   * @throws E_APP_MISSING, E_APP_LOAD
   */
  async app(): Promise<Celerity> {
    const app = await this.appIfNamed()
    if (app === null) throw appMissing(this.#options.cwd, (await this.#load()).settings.file)
    return app
  }

  /** The same; null where nobody names a module. @throws E_APP_MISSING, E_APP_LOAD when the one that is named does not load */
  async appIfNamed(): Promise<Celerity | null> {
    const { app, failure } = await this.#load()
    if (failure !== undefined) throw failure
    return app
  }

  /** The application; where none is named, one without tasks: enough to send by name and to read results. */
  async client(): Promise<Celerity> {
    const { app, settings, log } = await this.#safe()
    if (app !== null) return app
    this.#bare ??= import('../app/celerity.js').then(({ Celerity }) => {
      const bare = new Celerity('tasks')
      bare.configure(settings.settings, log)
      return this.#keep(bare)
    })
    return this.#bare
  }

  async log(): Promise<Log> {
    return (await this.#load()).log
  }

  broker(): Promise<Broker> {
    this.#broker ??= this.#openBroker()
    return this.#broker
  }

  /** @throws E_RESULTS_DISABLED where no results are kept */
  results(): Promise<ResultStore> {
    this.#results ??= this.#openResults()
    return this.#results
  }

  /** What a monitor captured; null where none has ever run. @throws E_MONITOR_URL, E_MONITOR_UNREACHABLE, E_MONITOR_REFUSED */
  history(): Promise<History | null> {
    this.#history ??= this.#openHistory()
    return this.#history
  }

  /** Closes what was opened, last first. */
  async close(): Promise<void> {
    for (const one of this.#open.splice(0).reverse()) await one.close()
  }

  /** A settings file may be code too. */
  #read(): Promise<Sources> {
    const { cwd, env, flags, file } = this.#options
    this.#sources ??= this.#guard.run(file ?? 'the settings file', () => readSources({ cwd, env, flags, file }))
    return this.#sources
  }

  #load(): Promise<Loaded> {
    this.#loaded ??= this.#loadOnce()
    return this.#loaded
  }

  async #loadOnce(): Promise<Loaded> {
    const { warn } = this.#options
    const sources = await this.#read()
    const outside = resolveSettings(sources)
    const path = outside.settings.app
    const loaded = path === null ? await this.#withoutApp(outside) : await this.#withApp(path, sources, outside)
    for (const warning of loaded.settings.warnings) warn(warning)
    return loaded
  }

  /** An operator looks at queues exactly when the application is broken; but never at the queues of another broker. */
  async #safe(): Promise<Loaded> {
    const loaded = await this.#load()
    const { failure, settings } = loaded
    if (failure !== undefined && settings.provenance.get('brokerUrl')!.origin.layer === 'default') throw failure
    this.#warnOfFailure(loaded)
    return loaded
  }

  #warnOfFailure({ failure }: Loaded): void {
    if (failure === undefined || this.#warned) return
    this.#warned = true
    this.#options.warn(`The application was not loaded, what its code sets does not count: ${reason(failure)}`)
  }

  async #withoutApp(settings: LoadedSettings): Promise<Loaded> {
    return { settings, app: null, log: await this.#options.openLog(settings.settings) }
  }

  async #withApp(path: string, sources: Sources, outside: LoadedSettings): Promise<Loaded> {
    try {
      const app = await this.#guard.run(path, () => loadApp(path))
      const settings = resolveSettings(sources, app.declared)
      await this.#guard.run('the modules of `imports`', () => loadImports(settings.settings.imports))
      const log = await this.#options.openLog(settings.settings)
      app.configure(settings.settings, log)
      return { settings, app: this.#keep(app), log }
    } catch (error) {
      return { ...(await this.#withoutApp(outside)), failure: error }
    }
  }

  /** The application's own connection where there is one, so that a command needs no second. */
  async #openBroker(): Promise<Broker> {
    const { app, settings, log } = await this.#safe()
    if (app !== null) return app.broker()
    const { brokerUrl, brokerDeadline, brokerAllowEviction, brokerTransportOptions } = settings.settings
    const { openBroker } = await import('../broker/open.js')
    return this.#keep(
      await openBroker(brokerUrl, {
        deadlineMs: brokerDeadline * 1000,
        keyPrefix: brokerTransportOptions.globalKeyprefix ?? '',
        waitReplicas: brokerTransportOptions.waitReplicas ?? 0,
        waitReplicasTimeout: brokerTransportOptions.waitReplicasTimeout ?? 1,
        allowEviction: brokerAllowEviction,
        log,
      }),
    )
  }

  async #openResults(): Promise<ResultStore> {
    const { app, settings, log } = await this.#safe()
    if (app !== null) return app.results()
    const { resultBackend, brokerDeadline, resultBackendTransportOptions } = settings.settings
    if (resultBackend === null) {
      throw new CelerityError('E_RESULTS_DISABLED', {
        message: 'Results are not kept: no result store is set',
        hint: 'Set resultBackend, or give --result-backend redis://… or sqlite:….',
      })
    }
    const { openResults } = await import('../results/open.js')
    const keyPrefix = resultBackendTransportOptions.globalKeyprefix ?? ''
    return this.#keep(await openResults(resultBackend, { deadlineMs: brokerDeadline * 1000, keyPrefix, log }))
  }

  async #openHistory(): Promise<History | null> {
    const { settings, log } = await this.#safe()
    const { openCaptured } = await import('../monitor/open.js')
    const store = await openCaptured(settings.settings.monitorStore, { log })
    if (store === null) return null
    const { History } = await import('../monitor/history.js')
    return new History(this.#keep(store))
  }

  #keep<T extends { close(): Promise<void> }>(opened: T): T {
    this.#open.push(opened)
    return opened
  }
}
