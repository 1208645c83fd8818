import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'

const { summary, args, flags, aliases, strict } = controlStatics('pool-grow')

export default class ControlPoolGrow extends AskCommand<typeof ControlPoolGrow> {
  static override summary = summary
  static override examples = ['<%= config.bin %> control pool-grow 2 -d celery@web']
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.command('pool-grow')
  }
}
