/** `control revoke` and its sister by stamps: a record at the broker first, then word to the workers that are there. */
import type { Command } from '@oclif/core/command'
import { REVOCATION_TTL, stampMark } from '../control/revocation.js'
import { type Answers, AskCommand, type NoAnswer } from './ask-command.js'
import { replyText } from './reply-text.js'

export abstract class RevokeCommand<C extends typeof Command> extends AskCommand<C> {
  protected async revoke(name: 'revoke' | 'revoke-by-stamped-headers'): Promise<Answers | NoAnswer> {
    const question = this.question(name)
    const {
      task_id: ids,
      headers,
      terminate,
    } = question.arguments as {
      readonly task_id?: readonly string[]
      readonly headers?: Readonly<Record<string, readonly string[]>>
      readonly terminate: boolean
    }
    const marks = ids ?? Object.entries(headers ?? {}).flatMap(([name, values]) => values.map((value) => stampMark(name, value)))
    if (headers !== undefined && terminate) {
      const whom = this.audience.destination?.join(', ') ?? (this.audience.pattern === undefined ? 'every worker' : 'matching workers')
      this.note(`Ends every task that bears the ${marks.join(' or the ')}, on ${whom}.`)
    }
    await (await this.broker()).revoke(marks, REVOCATION_TTL)
    const replies = await this.ask(question, ({ node, value }) => {
      this.show(value, (_, { paint }) => replyText(node, value, paint))
    })
    return this.conclude(question, replies, 'it is recorded at the broker, and workers of ours that take such a task later do not run it')
  }
}
