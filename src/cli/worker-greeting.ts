/** What a worker says when it starts: a banner for people; one line where the log is JSON, so that every line of it can be parsed. */
import type { LoadedSettings } from '../config/load.js'
import type { Log } from '../log.js'
import type { Banner } from '../terminal/banner.js'
import { VERSION } from '../version.js'
import type { WorkerOptions } from '../worker/worker-options.js'
import { settingLines, urlOf } from './setting-lines.js'

export interface Greeting {
  readonly settings: LoadedSettings
  readonly options: WorkerOptions
  readonly tasks: readonly string[]
  /** Whether a beat runs beside it. */
  readonly beat: boolean
}

export function bannerOf({ settings, options, tasks, beat }: Greeting): Banner {
  const line = settingLines(settings)
  return {
    title: `${options.node} celerity ${VERSION}`,
    config: [
      line('app', 'app'),
      line('broker', 'brokerUrl'),
      line('results', 'resultBackend'),
      options.autoscale
        ? line('autoscale', 'workerAutoscale', `${options.autoscale.min} to ${options.autoscale.max} (async)`)
        : line('concurrency', 'workerConcurrency', `${options.concurrency} (async)`),
      line('prefetch', 'workerPrefetchMultiplier'),
      line('lease', 'workerLease'),
      line('grace', 'workerGrace'),
      line('task events', 'workerSendTaskEvents', settings.settings.workerSendTaskEvents ? 'ON' : 'OFF (-E sends them)'),
      line('log level', 'logLevel'),
      ...(beat ? [line('beat', 'beatLease')] : []),
    ],
    lists: [
      { title: 'queues', names: options.queues },
      { title: 'tasks', names: tasks },
    ],
  }
}

export function logGreeting(log: Log, { settings, options, tasks, beat }: Greeting): void {
  if (!log.enabled('info')) return
  const { node, concurrency, queues } = options
  const [broker, results] = [urlOf(settings, 'brokerUrl'), urlOf(settings, 'resultBackend')]
  log.info(`${node} starts`, { celerity: VERSION, nodejs: process.version, broker, results, concurrency, queues, tasks, beat })
}
