import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'

const { summary, args, flags, aliases, strict } = controlStatics('time-limit')

export default class ControlTimeLimit extends AskCommand<typeof ControlTimeLimit> {
  static override summary = summary
  static override examples = ['<%= config.bin %> control time-limit kuma.sendMail 60 120']
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.command('time-limit')
  }
}
