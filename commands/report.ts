import { arch, release } from 'node:os'
import { BaseCommand, type Look } from '../src/cli/base-command.js'
import { libraryVersions } from '../src/cli/libraries.js'
import { type Explained, explain } from '../src/config/explain.js'
import { reason } from '../src/errors.js'
import { maskText, maskUrl } from '../src/mask.js'
import { table } from '../src/terminal/table.js'
import { VERSION } from '../src/version.js'

interface ServerReport {
  /** Null: results are not kept. */
  readonly url: string | null
  readonly reachable: boolean
  readonly error: string | null
}

interface Report {
  readonly celerity: string
  readonly node: string
  readonly platform: string
  readonly libraries: Readonly<Record<string, string | null>>
  readonly broker: ServerReport
  readonly results: ServerReport
  readonly file: string | null
  /** Those that differ from the default; secrets masked. */
  readonly settings: readonly Explained[]
}

export default class ReportCommand extends BaseCommand<typeof ReportCommand> {
  static override summary = 'Versions and settings, to be pasted into a bug report; without secrets'
  static override examples = ['<%= config.bin %> report', '<%= config.bin %> report --json']

  async run(): Promise<Report> {
    const loaded = await this.loaded()
    const { brokerUrl, resultBackend } = loaded.settings
    return this.show(
      {
        celerity: VERSION,
        node: process.version,
        platform: `${process.platform} ${release()} ${arch()}`,
        libraries: libraryVersions(this.config.root),
        broker: await reach(brokerUrl, async () => (await this.broker()).queues.names()),
        results: await reach(resultBackend, async () => (await this.results()).get(['celerity-report'])),
        file: loaded.file,
        settings: explain(loaded).filter(({ layer }) => layer !== 'default' && layer !== 'derived'),
      },
      reportText,
    )
  }
}

/** A server that is away is what many a report is about: no error here. */
async function reach(server: string | null, call: () => Promise<unknown>): Promise<ServerReport> {
  if (server === null) return { url: null, reachable: false, error: null }
  const url = maskUrl(server)
  try {
    await call()
    return { url, reachable: true, error: null }
  } catch (error) {
    return { url, reachable: false, error: maskText(reason(error)) }
  }
}

const serverText = ({ url, reachable, error }: ServerReport) =>
  url === null ? 'none' : `${url} (${reachable ? 'answers' : `does not answer: ${error}`})`

function reportText(report: Report, { paint, width }: Look): string {
  const facts: readonly (readonly [string, string])[] = [
    ['celerity', report.celerity],
    ['node', report.node],
    ['platform', report.platform],
    ['broker', serverText(report.broker)],
    ['results', serverText(report.results)],
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
