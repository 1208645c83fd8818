import { AskCommand, type NoAnswer } from '../src/cli/ask-command.js'
import type { Look } from '../src/cli/base-command.js'
import { AUDIENCE_FLAGS } from '../src/cli/control-flags.js'
import { nodeLine } from '../src/cli/reply-text.js'
import type { KnownNode } from '../src/control/known-workers.js'
import { table } from '../src/terminal/table.js'
import { spanText } from '../src/terminal/time.js'

/** One worker. What only its own word tells is null for a Python worker. */
interface NodeStatus {
  /** Celery's answer to a ping; absent: it did not answer. */
  readonly ok?: 'pong'
  readonly state: 'online' | 'silent' | 'gone'
  readonly concurrency: number | null
  readonly active: number | null
  readonly processed: number | null
  readonly queues: readonly string[] | null
  readonly version: string | null
  /** Seconds since it started. */
  readonly uptime: number | null
  /** Seconds since the word all this comes from. */
  readonly age: number | null
}

type Statuses = Readonly<Record<string, NodeStatus>>

export default class Status extends AskCommand<typeof Status> {
  static override summary = 'Which workers are online, and what they do'
  static override description = [
    'Silent: it is registered at the broker and did not answer. Gone: it vanished within the last ten minutes.',
    'Exit code 69 when nobody answers.',
  ].join(' ')
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --json']
  static override flags = AUDIENCE_FLAGS

  async run(): Promise<Statuses | NoAnswer> {
    const ping = this.question('ping')
    const replies = await this.ask(ping, ({ node }) => {
      this.show(node, (name, { paint }) => nodeLine(name, paint('green', 'OK'), paint))
    })
    const answers = await this.conclude(ping, replies)
    if (replies.length === 0) return answers as NoAnswer
    const statuses = statusesOf(Object.keys(answers), await this.known(ping))
    // Of Python's workers there is no more to say than Celery says.
    if (Object.values(statuses).some(({ state, age }) => state !== 'online' || age !== null)) this.show(statuses, statusTable)
    this.showCount(answers)
    return statuses
  }
}

function statusesOf(online: readonly string[], known: readonly KnownNode[]): Statuses {
  const byName = new Map(known.map((one) => [one.node, one]))
  const names = [...new Set([...online, ...byName.keys()])].sort()
  return Object.fromEntries(names.map((node) => [node, statusOf(online.includes(node), byName.get(node))]))
}

function statusOf(isOnline: boolean, known: KnownNode | undefined): NodeStatus {
  const state = known?.state ?? null
  const age = known?.age ?? null
  return {
    ...(isOnline && { ok: 'pong' }),
    state: isOnline ? 'online' : known?.isAlive ? 'silent' : 'gone',
    concurrency: state?.concurrency ?? null,
    active: state?.active.length ?? null,
    processed: state?.processed ?? null,
    queues: known?.queues ?? null,
    version: state?.version ?? null,
    uptime: state === null ? null : Math.max(0, Date.now() / 1000 - state.started),
    age,
  }
}

function statusTable(statuses: Statuses, { paint, width }: Look): string {
  const text = table(
    Object.entries(statuses),
    [
      { head: 'WORKER', value: ([node]) => node },
      { head: 'STATE', value: ([, { state }]) => state, colour: ([, { state }]) => (state === 'online' ? 'green' : 'yellow') },
      { head: 'ACTIVE', value: ([, { active, concurrency }]) => (active === null ? null : `${active}/${concurrency}`), align: 'right' },
      { head: 'PROCESSED', value: ([, { processed }]) => processed, align: 'right' },
      { head: 'QUEUES', value: ([, { queues }]) => queues?.join(',') },
      { head: 'UP', value: ([, { uptime }]) => (uptime === null ? null : spanText(Math.round(uptime))), align: 'right' },
      { head: 'AS OF', value: ([, { age }]) => (age === null ? null : `${spanText(Math.round(age))} ago`), align: 'right' },
    ],
    { paint, width },
  )
  return `\n${text}`
}
