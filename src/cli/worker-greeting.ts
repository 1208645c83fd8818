/** What a worker says when it starts: a banner for people; one line where the log is JSON, so that every line of it can be parsed. */
import { type Explained, explain } from '../config/explain.js'
import type { LoadedSettings } from '../config/load.js'
import type { SettingName } from '../config/schema.js'
import type { Log } from '../log.js'
import type { Banner, BannerLine } from '../terminal/banner.js'
import { spanText } from '../terminal/time.js'
import { VERSION } from '../version.js'
import type { WorkerOptions } from '../worker/worker.js'

export interface Greeting {
  readonly settings: LoadedSettings
  readonly options: WorkerOptions
  readonly tasks: readonly string[]
}

export function bannerOf({ settings, options, tasks }: Greeting): Banner {
  const all = new Map(explain(settings).map((one) => [one.name, one]))
  const line = (name: string, setting: SettingName, value?: string): BannerLine => {
    const explained = all.get(setting)!
    return { name, value: value ?? shown(explained), origin: explained.layer === 'default' ? null : explained.origin }
  }
  return {
    title: `${options.node} celerity ${VERSION}`,
    config: [
      line('app', 'app'),
      line('broker', 'brokerUrl'),
      line('results', 'resultBackend'),
      line('concurrency', 'workerConcurrency', `${options.concurrency} (async)`),
      line('prefetch', 'workerPrefetchMultiplier'),
      line('lease', 'workerLease'),
      line('grace', 'workerGrace'),
      line('log level', 'logLevel'),
    ],
    queues: options.queues,
    tasks,
  }
}

export function logGreeting(log: Log, { settings, options, tasks }: Greeting): void {
  if (!log.enabled('info')) return
  const { node, concurrency, queues } = options
  const shownUrls = new Map(explain(settings).map(({ name, value }) => [name, value]))
  const [broker, results] = [shownUrls.get('brokerUrl'), shownUrls.get('resultBackend')]
  log.info(`${node} starts`, { celerity: VERSION, nodejs: process.version, broker, results, concurrency, queues, tasks })
}

function shown({ value, unit }: Explained): string {
  if (unit === 'seconds' && typeof value === 'number') return spanText(value)
  return typeof value === 'string' ? value : value === null ? 'none' : JSON.stringify(value)
}
