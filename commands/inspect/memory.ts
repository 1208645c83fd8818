import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'

const { summary, args, flags, aliases, strict } = controlStatics('memory')

export default class InspectMemory extends AskCommand<typeof InspectMemory> {
  static override summary = summary
  static override examples = ['<%= config.bin %> inspect memory']
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.inspect('memory')
  }
}
