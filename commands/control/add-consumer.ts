import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'

const { summary, args, flags, aliases, strict } = controlStatics('add-consumer')

export default class ControlAddConsumer extends AskCommand<typeof ControlAddConsumer> {
  static override summary = summary
  static override examples = ['<%= config.bin %> control add-consumer mail -d celery@web']
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.command('add-consumer')
  }
}
