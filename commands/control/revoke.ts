import type { Answers, NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'
import { RevokeCommand } from '../../src/cli/revoke-command.js'

const { summary, args, flags, aliases, strict } = controlStatics('revoke')

export default class ControlRevoke extends RevokeCommand<typeof ControlRevoke> {
  static override summary = summary
  static override description = [
    'It is recorded at the broker for as long as messages live, so workers of ours that are away or start later know it too; Python workers',
    'know it when they hear it. What runs goes on, unless --terminate ends it.',
  ].join(' ')
  static override examples = ['<%= config.bin %> control revoke 3b0c0d5e-…', '<%= config.bin %> control revoke 3b0c0d5e-… --terminate']
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.revoke('revoke')
  }
}
