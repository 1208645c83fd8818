import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'

const { summary, args, flags, aliases, strict } = controlStatics('clock')

export default class InspectClock extends AskCommand<typeof InspectClock> {
  static override summary = summary
  static override examples = ['<%= config.bin %> inspect clock']
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.inspect('clock')
  }
}
