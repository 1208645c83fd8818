import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'

const { summary, args, flags, aliases, strict } = controlStatics('conf')

export default class InspectConf extends AskCommand<typeof InspectConf> {
  static override summary = summary
  static override examples = ['<%= config.bin %> inspect conf', '<%= config.bin %> inspect conf --defaults --json']
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.inspect('conf')
  }
}
