import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'

const { summary, args, flags, aliases, strict } = controlStatics('rate-limit')

export default class ControlRateLimit extends AskCommand<typeof ControlRateLimit> {
  static override summary = summary
  static override examples = [
    '<%= config.bin %> control rate-limit kuma.sendMail 10/m',
    '<%= config.bin %> control rate-limit kuma.sendMail none',
  ]
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.command('rate-limit')
  }
}
