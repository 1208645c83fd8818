import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'

const { summary, args, flags, aliases, strict } = controlStatics('ping')

export default class InspectPing extends AskCommand<typeof InspectPing> {
  static override summary = summary
  static override examples = ['<%= config.bin %> inspect ping', '<%= config.bin %> inspect ping -d celery@web -t 5s']
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.inspect('ping')
  }
}
