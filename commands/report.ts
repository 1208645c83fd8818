import { arch, release } from 'node:os'
import type { Broker } from '../src/broker/broker.js'
import { BaseCommand, type Look } from '../src/cli/base-command.js'
import { libraryVersions } from '../src/cli/libraries.js'
import { type Explained, explain } from '../src/config/explain.js'
import { reason } from '../src/errors.js'
import { maskUrl } from '../src/mask.js'
import { table } from '../src/terminal/table.js'
import { VERSION } from '../src/version.js'

interface ServerReport {
  readonly url: string
  readonly reachable: boolean
  /** Which server it says it is. */
  readonly server: string | null
  readonly error: string | null
}

interface Report {
  readonly celerity: string
  readonly node: string
  readonly platform: string
  readonly libraries: Readonly<Record<string, string | null>>
  readonly broker: ServerReport
  readonly file: string | null
  /** Those that differ from the default; secrets masked. */
  readonly settings: readonly Explained[]
}

export default class ReportCommand extends BaseCommand<typeof ReportCommand> {
  static override summary = 'Versions and settings, to be pasted into a bug report; without secrets'
  static override examples = ['<%= config.bin %> report', '<%= config.bin %> report --json']

  async run(): Promise<Report> {
    const loaded = await this.loaded()
    return this.show(
      {
        celerity: VERSION,
        node: process.version,
        platform: `${process.platform} ${release()} ${arch()}`,
        libraries: libraryVersions(this.config.root),
        broker: await this.#reach(loaded.settings.brokerUrl),
        file: loaded.file,
        settings: explain(loaded).filter(({ layer }) => layer !== 'default' && layer !== 'derived'),
      },
      reportText,
    )
  }

  /** A broker that is away is what many a report is about: no error here. */
  async #reach(brokerUrl: string): Promise<ServerReport> {
    const url = maskUrl(brokerUrl)
    try {
      const broker: Broker = await this.broker()
      await broker.queues.names()
      return { url, reachable: true, server: maskUrl(broker.can.server), error: null }
    } catch (error) {
      return { url, reachable: false, server: null, error: reason(error) }
    }
  }
}

function reportText(report: Report, { paint, width }: Look): string {
  const { broker } = report
  const facts: readonly (readonly [string, string])[] = [
    ['celerity', report.celerity],
    ['node', report.node],
    ['platform', report.platform],
    ['broker', `${broker.url} (${broker.reachable ? 'answers' : `does not answer: ${broker.error}`})`],
    ['settings file', report.file ?? 'none'],
    ...Object.entries(report.libraries).map(([name, version]) => [name, version ?? 'not installed'] as const),
    ...report.settings.map(({ name, value, origin }) => [name, `${JSON.stringify(value)} (${origin})`] as const),
  ]
  return table(
    facts,
    [
      { head: 'WHAT', value: ([name]) => name },
      { head: 'IS', value: ([, value]) => value },
    ],
    { paint, width },
  )
}
