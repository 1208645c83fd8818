import * as Flags from '@oclif/core/flags'
import { BaseCommand } from '../src/cli/base-command.js'
import { lookAt, scaffold, writeScaffold } from '../src/cli/scaffold.js'
import { findFile, packageRoot } from '../src/config/file.js'
import { safe } from '../src/terminal/safe.js'

interface InitReport {
  readonly folder: string
  readonly created: readonly string[]
  /** Were there already, and were left as they are. */
  readonly kept: readonly string[]
  /** What is left to do by hand. */
  readonly advice: readonly string[]
  /** Commands to run next. */
  readonly next: readonly string[]
}

export default class Init extends BaseCommand<typeof Init> {
  static override summary = 'A first task, a settings file and a Procfile line, in this project'
  static override description = 'Never replaces a file.'
  static override examples = ['<%= config.bin %> init', { description: 'In JavaScript', command: '<%= config.bin %> init --language js' }]
  static override flags = {
    language: Flags.option({
      options: ['ts', 'js'] as const,
      helpValue: 'ts|js',
      summary: 'of the first task; default: TypeScript where the project uses it',
    })(),
    'dry-run': Flags.boolean({ summary: 'only say what would be made' }),
  }

  async run(): Promise<InitReport> {
    const folder = packageRoot(process.cwd()) ?? process.cwd()
    const project = lookAt(folder, (await findFile(folder))?.path ?? null)
    const { files, task, advice } = scaffold(project, this.flags.language)
    const { created, kept } = this.flags['dry-run']
      ? {
          created: files.map(({ path }) => path).filter((path) => !project.has(path)),
          kept: files.map(({ path }) => path).filter(project.has),
        }
      : writeScaffold(folder, files)
    const next = ['npx tasks worker', `npx tasks call ${task} --args '[2, 3]' --wait`]
    return this.show({ folder, created, kept, advice, next }, (report) => initText(report, this.flags['dry-run']))
  }
}

function initText({ folder, created, kept, advice, next }: InitReport, isDryRun: boolean): string {
  return [
    safe(folder),
    ...created.map((path) => `  ${isDryRun ? 'would create' : 'created'}  ${path}`),
    ...kept.map((path) => `  kept     ${path}`),
    '',
    'To do by hand:',
    ...advice.map((line) => `  ${line}`),
    '',
    'Then, in two terminals:',
    ...next.map((line) => `  ${line}`),
  ].join('\n')
}
