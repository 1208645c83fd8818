import { BROKER_SCHEMES } from '../../src/broker/open.js'
import { BaseCommand } from '../../src/cli/base-command.js'
import { CelerityError } from '../../src/errors.js'
import { maskUrl } from '../../src/mask.js'
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
    await this.appIfNamed() // what its code says counts too, and it has to load
    const { file, settings, warnings } = await this.loaded()
    requireScheme('brokerUrl', settings.brokerUrl, BROKER_SCHEMES)
    if (settings.resultBackend !== null) requireScheme('resultBackend', settings.resultBackend, RESULT_SCHEMES)
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
