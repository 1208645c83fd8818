import { declaredEntries } from '../../src/app/schedules.js'
import { BROKER_SCHEMES } from '../../src/broker/open.js'
import { BaseCommand } from '../../src/cli/base-command.js'
import { originText } from '../../src/config/origin.js'
import { SettingsError } from '../../src/config/problem.js'
import type { Settings } from '../../src/config/schema.js'
import { CelerityError } from '../../src/errors.js'
import { maskUrl } from '../../src/mask.js'
import { readBeatSchedule } from '../../src/protocol/schedule.js'
import { RESULT_SCHEMES } from '../../src/results/open.js'

interface CheckReport {
  readonly ok: true
  readonly file: string | null
  readonly warnings: readonly string[]
}

export default class ConfigCheck extends BaseCommand<typeof ConfigCheck> {
  static override summary = 'Whether the settings are right; everything that is wrong, at once'
  static override description =
    'Reads flags, environment, settings file and the application, connects to nothing. Exit code 2 when something is wrong.'
  static override examples = [
    '<%= config.bin %> config check',
    { description: 'A file before it is deployed', command: '<%= config.bin %> config check --config deploy/tasks.yaml' },
  ]

  async run(): Promise<CheckReport> {
    const app = await this.appIfNamed() // what its code says counts too, and it has to load
    const { file, settings, warnings, provenance } = await this.loaded()
    requireSchedule(settings.beatSchedule, originText(provenance.get('beatSchedule')!.origin))
    requireScheme('brokerUrl', settings.brokerUrl, BROKER_SCHEMES)
    if (settings.resultBackend !== null) requireScheme('resultBackend', settings.resultBackend, RESULT_SCHEMES)
    for (const { reason } of declaredEntries(app, settings).problems) this.caution(reason) // named twice
    return this.show({ ok: true, file, warnings }, () => `Settings are right (${file ?? 'no settings file'}).`)
  }
}

function requireScheme(name: string, url: string, schemes: readonly string[]): void {
  const scheme = url.slice(0, url.indexOf(':')).toLowerCase()
  if (schemes.includes(scheme)) return
  throw new CelerityError('E_SETTINGS', {
    message: `${name}: nothing is known for ${maskUrl(url)}`,
    hint: `Known schemes: ${schemes.join(', ')}.`,
  })
}

/** A wrong entry keeps no worker from starting, nor the other entries from being sent; here is where it is refused. */
function requireSchedule(schedule: Settings['beatSchedule'], source: string): void {
  const { problems } = readBeatSchedule(schedule)
  if (problems.length === 0) return
  throw new SettingsError(
    problems.map(({ name, reason }) => ({ key: `beatSchedule.${name}`, source, text: `beatSchedule: ${reason} (${source})` })),
  )
}
