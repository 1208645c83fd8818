import { type Answers, AskCommand, type NoAnswer } from '../../src/cli/ask-command.js'
import { controlStatics } from '../../src/cli/control-flags.js'
import { YES } from '../../src/cli/flags.js'
import { replyText } from '../../src/cli/reply-text.js'

const { summary, args, flags, aliases } = controlStatics('shutdown')
/** A worker that is told to stop says nothing to that. */
const TOLD = { ok: 'told to shut down' }

export default class ControlShutdown extends AskCommand<typeof ControlShutdown> {
  static override summary = summary
  static override description = [
    'Shows which workers answer, and tells them; whoever does not answer is told all the same. Of every worker at once it asks first, where',
    'there is a terminal to ask at.',
  ].join(' ')
  static override examples = ['<%= config.bin %> control shutdown -d celery@web', '<%= config.bin %> control shutdown --yes']
  static override hiddenAliases = aliases
  static override args = args
  static override flags = { ...flags, yes: YES }

  async run(): Promise<Answers | NoAnswer> {
    const [shutdown, ping] = [this.question('shutdown'), this.question('ping')]
    const there = await this.ask(ping)
    if (!(await this.#isMeant(there.map(({ node }) => node)))) return {}
    await this.cast(shutdown)
    for (const { node } of there) this.show(TOLD, (told, { paint }) => replyText(node, told, paint))
    const told = there.map((reply) => ({ ...reply, value: TOLD }))
    return this.conclude(ping, told, 'those that heard it stop all the same')
  }

  /** @param nodes who answered */
  async #isMeant(nodes: readonly string[]): Promise<boolean> {
    const { destination, pattern } = this.audience
    if (destination !== undefined || pattern !== undefined || this.flags.yes || !process.stdin.isTTY) return true
    const who = nodes.length === 0 ? 'every worker (none answers now)' : `every worker: ${nodes.join(', ')}`
    return this.confirm(`Shut down ${who}?`, { yes: false })
  }
}
