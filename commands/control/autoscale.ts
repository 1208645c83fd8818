import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'

const { summary, args, flags, aliases, strict } = controlStatics('autoscale')

export default class ControlAutoscale extends AskCommand<typeof ControlAutoscale> {
  static override summary = summary
  static override examples = ['<%= config.bin %> control autoscale 10 2']
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.command('autoscale')
  }
}
