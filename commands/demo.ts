import * as Flags from '@oclif/core/flags'
import { BaseCommand, type Look } from '../src/cli/base-command.js'
import { type DemoMoment, type DemoReport, runDemo } from '../src/cli/demo.js'
import { EXIT } from '../src/errors.js'
import { maskUrl } from '../src/mask.js'
import { bar, ProgressLine } from '../src/terminal/progress-line.js'
import { safe } from '../src/terminal/safe.js'
import { table } from '../src/terminal/table.js'
import { spanText } from '../src/terminal/time.js'

export default class Demo extends BaseCommand<typeof Demo> {
  static override summary = 'See it work: a worker, the Kuma example, and everything Kuma sends'
  static override description = [
    'A page edit that mails its watchers through a flaky mail server, a contributor bar that a thousand visitors miss at once,',
    'a long calculation with progress, sitemaps. On the embedded broker in a folder of its own, or with --broker on yours.',
  ].join(' ')
  static override examples = ['<%= config.bin %> demo', '<%= config.bin %> demo --broker redis://127.0.0.1:6379/9']
  static override flags = {
    concurrency: Flags.integer({ char: 'c', helpValue: 'N', default: 10, min: 1, summary: 'tasks that run at once' }),
  }

  async run(): Promise<DemoReport | undefined> {
    const line = new ProgressLine(process.stderr, Date.now)
    const log = await this.logTo('warning', 'text')
    this.note('Starting a worker on examples/kuma, and sending it a busy moment …')
    const stop = new AbortController()
    // Again and again without effect: the worker and the folder have to go first, and the wait for them has an end.
    const interrupt = (signal: NodeJS.Signals) => stop.abort(signal)
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
    let steps = 0
    const watch = (moment: DemoMoment) => {
      line.update(momentText(moment))
      // Off a terminal nothing moves: a line now and then.
      if (process.stderr.isTTY !== true && steps++ % 20 === 0) this.note(momentText(moment))
    }
    try {
      const { concurrency, broker } = this.flags
      const report = await runDemo({ root: this.config.root, brokerUrl: broker ?? null, concurrency, log, watch }, stop.signal)
      line.clear()
      return this.show({ ...report, broker: maskUrl(report.broker) }, reportText)
    } catch (error) {
      if (!stop.signal.aborted) throw error
      line.clear()
      this.note('Interrupted. The worker has stopped.')
      this.endWith(stop.signal.reason === 'SIGINT' ? EXIT.interrupted : EXIT.terminated)
      return undefined
    } finally {
      line.clear()
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    }
  }
}

function momentText({ sent, done, retrying, progress }: DemoMoment): string {
  const tries = retrying > 0 ? `, ${retrying} to be tried again` : ''
  const long = progress === null ? '' : `  spam dashboard ${bar(progress.done, progress.total)}`
  return `${done} of ${sent} done${tries}${long}`
}

function reportText({ tasks, outcome, seconds, broker, left }: DemoReport, { paint, width }: Look): string {
  const total = tasks.reduce((sum, { succeeded, failed }) => sum + succeeded + failed, 0)
  const rows = table(
    tasks,
    [
      { head: 'TASK', value: ({ task }) => task },
      { head: 'SUCCEEDED', value: ({ succeeded }) => succeeded, align: 'right', colour: () => 'green' },
      { head: 'FAILED', value: ({ failed }) => failed, align: 'right', colour: ({ failed }) => (failed > 0 ? 'red' : null) },
      { head: 'RETRIES', value: ({ retries }) => retries, align: 'right' },
    ],
    { paint, width },
  )
  const facts = outcome.map((fact) => `  ${safe(fact)}`).join('\n')
  const end = `${total} results in ${spanText(seconds)}, on ${safe(broker)}. The worker has stopped; ${left}.`
  const next = 'Next: `tasks init` in a project of yours.'
  return `\n${rows}\n\n${facts}\n\n${end}\n${next}\n`
}
