import { BaseCommand, type Look } from '../../src/cli/base-command.js'
import { describeLetter, findLetters, type Letter } from '../../src/cli/dead-letters.js'
import { word } from '../../src/cli/flags.js'
import { selectQueues } from '../../src/cli/queue-selection.js'
import { safe } from '../../src/terminal/safe.js'

interface ShownLetter extends Letter {
  /** The bytes as they were in the queue. */
  readonly raw: { readonly base64: string; readonly bytes: number }
}

/** Bytes shown to people; --json has all. */
const SHOWN = 2_000

export default class DeadShow extends BaseCommand<typeof DeadShow> {
  static override summary = 'One dead letter, with the bytes as they were'
  static override examples = ['<%= config.bin %> dead show 3f2a9c1b']
  static override args = { id: word('id of the letter or of its task; the first letters do') }

  async run(): Promise<ShownLetter | undefined> {
    const broker = await this.broker()
    const queues = await selectQueues(broker, await this.client(), await this.settings(), {})
    const [letter] = await findLetters(broker, queues, [this.args.id])
    if (letter === undefined) return undefined
    const raw = { base64: letter.raw.toString('base64'), bytes: letter.raw.length }
    return this.show({ ...describeLetter(letter), raw }, letterText)
  }
}

function letterText(letter: ShownLetter, { paint }: Look): string {
  const line = (name: string, value: string | number | null) => `${paint('dim', name.padEnd(11))} ${safe(String(value ?? '-'))}`
  const bytes = Buffer.from(letter.raw.base64, 'base64')
  const more = bytes.length > SHOWN ? `\n… ${bytes.length - SHOWN} bytes more; --json has them all` : ''
  return [
    line('id', letter.id),
    line('queue', letter.queue),
    line('reason', letter.reason),
    line('detail', letter.detail),
    line('when', letter.when),
    line('worker', letter.worker),
    line('deliveries', letter.deliveries),
    line('task', letter.task),
    line('task id', letter.taskId),
    line('bytes', letter.raw.bytes),
    '',
    safe(bytes.subarray(0, SHOWN).toString()) + more,
    '',
    `Next: tasks dead retry ${letter.id.slice(0, 8)}   or   tasks dead drop ${letter.id.slice(0, 8)}`,
  ].join('\n')
}
