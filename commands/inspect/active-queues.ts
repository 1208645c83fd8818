import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'

const { summary, args, flags, aliases, strict } = controlStatics('active-queues')

export default class InspectActiveQueues extends AskCommand<typeof InspectActiveQueues> {
  static override summary = summary
  static override examples = ['<%= config.bin %> inspect active-queues']
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.inspect('active-queues')
  }
}
