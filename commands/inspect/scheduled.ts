import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'

const { summary, args, flags, aliases, strict } = controlStatics('scheduled')

export default class InspectScheduled extends AskCommand<typeof InspectScheduled> {
  static override summary = summary
  static override description = 'Delayed tasks that wait at the broker are none of them: `tasks queues` counts those.'
  static override examples = ['<%= config.bin %> inspect scheduled']
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.inspect('scheduled')
  }
}
