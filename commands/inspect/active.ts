import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'

const { summary, args, flags, aliases, strict } = controlStatics('active')

export default class InspectActive extends AskCommand<typeof InspectActive> {
  static override summary = summary
  static override description = 'Of Node workers with their values, of Python workers as these show them.'
  static override examples = ['<%= config.bin %> inspect active', "<%= config.bin %> inspect active --pattern 'celery@web-*' --json"]
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.inspect('active')
  }
}
