import type { Answers, NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'
import { RevokeCommand } from '../../src/cli/revoke-command.js'

const { summary, args, flags, aliases, strict } = controlStatics('revoke-by-stamped-headers')

export default class ControlRevokeByStampedHeaders extends RevokeCommand<typeof ControlRevokeByStampedHeaders> {
  static override summary = summary
  static override description = [
    'It is recorded at the broker for as long as messages live, so workers of ours that are away or start later know it too; Python workers',
    'know it when they hear it. What runs goes on, unless --terminate ends it.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> control revoke-by-stamped-headers tenant=mdn',
    '<%= config.bin %> control revoke-by-stamped-headers tenant=mdn tenant=kuma --terminate',
  ]
  static override hiddenAliases = aliases
  static override strict = strict
  static override args = args
  static override flags = flags

  async run(): Promise<Answers | NoAnswer> {
    return this.revoke('revoke-by-stamped-headers')
  }
}
