/** What a beat says when it starts: a banner for people; one line where the log is JSON. */
import type { BeatOptions } from '../beat/beat.js'
import type { LoadedSettings } from '../config/load.js'
import type { Log } from '../log.js'
import type { Banner } from '../terminal/banner.js'
import { VERSION } from '../version.js'
import { settingLines, urlOf } from './setting-lines.js'

export interface BeatGreeting {
  readonly settings: LoadedSettings
  readonly options: BeatOptions
  readonly declared: readonly string[]
}

export function beatBannerOf({ settings, options, declared }: BeatGreeting): Banner {
  const line = settingLines(settings)
  return {
    title: `${options.node} celerity ${VERSION}`,
    config: [
      line('app', 'app'),
      line('broker', 'brokerUrl'),
      line('timezone', 'timezone'),
      line('lease', 'beatLease'),
      line('max interval', 'beatMaxInterval'),
      line('log level', 'logLevel'),
    ],
    lists: [{ title: 'declared entries', names: declared }],
  }
}

export function logBeatGreeting(log: Log, { settings, options: { node }, declared }: BeatGreeting): void {
  if (!log.enabled('info')) return
  log.info(`${node} starts`, { celerity: VERSION, nodejs: process.version, broker: urlOf(settings, 'brokerUrl'), entries: declared.length })
}
