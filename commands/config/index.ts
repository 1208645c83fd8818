import * as Flags from '@oclif/core/flags'
import { describeSchedule } from '../../src/beat/description.js'
import { BaseCommand, type Look } from '../../src/cli/base-command.js'
import { words } from '../../src/cli/flags.js'
import { type Explained, explain } from '../../src/config/explain.js'
import { nearest } from '../../src/config/spelling.js'
import { CelerityError } from '../../src/errors.js'
import { readBeatSchedule } from '../../src/protocol/schedule.js'
import { table } from '../../src/terminal/table.js'
import { spanText } from '../../src/terminal/time.js'

interface ConfigReport {
  /** The settings file that was read; null: none was found. */
  readonly file: string | null
  readonly settings: readonly Explained[]
}

export default class Config extends BaseCommand<typeof Config> {
  static override summary = 'The settings in force, and where each came from'
  static override description = 'Flags win over the environment, that over the settings file, that over the code. Secrets are masked.'
  static override examples = [
    { description: 'What differs from the defaults', command: '<%= config.bin %> config --changed' },
    { description: 'Which broker, and who said so', command: '<%= config.bin %> config brokerUrl' },
    { description: 'For scripts', command: '<%= config.bin %> config workerConcurrency --json' },
  ]
  static override strict = false
  static override args = { name: words('settings to show; without: all') }
  static override flags = { changed: Flags.boolean({ summary: 'only what is not the default' }) }

  async run(): Promise<ConfigReport> {
    const loaded = await this.loaded()
    const all = explain(loaded)
    const wanted = this.words.length === 0 ? all : this.words.map((name) => find(all, name))
    const settings = this.flags.changed ? wanted.filter(({ layer }) => layer !== 'default' && layer !== 'derived') : wanted
    this.note(loaded.file === null ? 'No settings file was found.' : `Settings file: ${loaded.file}`)
    return this.show({ file: loaded.file, settings }, configTable)
  }
}

function find(all: readonly Explained[], name: string): Explained {
  const setting = all.find((one) => one.name === name)
  if (setting !== undefined) return setting
  const meant = nearest(name, ['check', ...all.map((one) => one.name)])
  const hint = meant === null ? '`tasks config` lists them all.' : `Did you mean ${meant === 'check' ? '`tasks config check`' : meant}?`
  throw new CelerityError('E_NOT_FOUND', { message: `There is no setting ${name}`, hint })
}

function configTable({ settings }: ConfigReport, { paint, width }: Look): string {
  return table(
    settings,
    [
      { head: 'SETTING', value: ({ name }) => name },
      { head: 'VALUE', value: valueText, colour: ({ layer }) => (layer === 'default' ? 'dim' : 'green') },
      { head: 'FROM', value: originWithOverridden },
    ],
    { paint, width },
  )
}

function valueText({ name, value, unit }: Explained): string {
  if (name === 'beatSchedule') return scheduleText(value)
  if (unit === 'seconds' && typeof value === 'number') return spanText(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function originWithOverridden({ origin, overridden }: Explained): string {
  return overridden.length === 0 ? origin : `${origin}; overrides ${overridden.map((one) => one.origin).join(', ')}`
}

/** `sitemaps at 05:00; feeds every 10 minutes`; the document of --json has the whole. */
function scheduleText(value: unknown): string {
  const { entries, problems } = readBeatSchedule(value)
  const parts = [
    ...entries.map(({ name, schedule }) => `${name} ${describeSchedule(schedule)}`),
    ...problems.map(({ name }) => `${name} is wrong: see config check`),
  ]
  return parts.length === 0 ? 'none' : parts.join('; ')
}
