import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'

const { summary, args, flags, aliases, strict } = controlStatics('registered')

export default class InspectRegistered extends AskCommand<typeof InspectRegistered> {
  static override summary = summary
  static override examples = ['<%= config.bin %> inspect registered', '<%= config.bin %> inspect registered rate_limit time_limit']
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.inspect('registered')
  }
}
