import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'

const { summary, args, flags, aliases, strict } = controlStatics('query-task')

export default class InspectQueryTask extends AskCommand<typeof InspectQueryTask> {
  static override summary = summary
  static override examples = ['<%= config.bin %> inspect query-task 3b0c0d5e-…']
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.inspect('query-task')
  }
}
