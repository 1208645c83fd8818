/** What `dead retry` and `dead drop` have in common: choosing letters, asking, doing it queue by queue. */
import type { Command } from '@oclif/core/command'
import * as Flags from '@oclif/core/flags'
import type { Broker, DeadLetter } from '../broker/broker.js'
import { CelerityError } from '../errors.js'
import { safe } from '../terminal/safe.js'
import { BaseCommand } from './base-command.js'
import { findLetters, lettersOf } from './dead-letters.js'
import { queueList, words, YES } from './flags.js'
import { selectQueues } from './queue-selection.js'

export interface DeadReport {
  readonly done: number
  readonly ids: readonly string[]
}

export const DEAD_ARGS = { id: words('ids of letters or of their tasks; the first letters do') }

export const DEAD_FLAGS = {
  all: Flags.boolean({ summary: 'all dead letters of --queues, or of every queue' }),
  queues: queueList('Q', 'only of these queues'),
  reason: Flags.string({ helpValue: 'CODE', summary: 'with --all: only those with this reason', dependsOn: ['all'] }),
  yes: YES,
  'dry-run': Flags.boolean({ summary: 'only say which' }),
}

interface Flagged {
  /** Absent, not false, when it was not given. */
  readonly all?: boolean
  readonly queues?: readonly string[]
  readonly reason?: string
  readonly yes?: boolean
  readonly 'dry-run'?: boolean
}

export abstract class DeadCommand<C extends typeof Command> extends BaseCommand<C> {
  /** @param act does it with letters of one queue; returns how many there still were */
  protected async work(
    verb: string,
    act: (broker: Broker, queue: string, letters: readonly DeadLetter[]) => Promise<number>,
  ): Promise<DeadReport> {
    const { all, yes, 'dry-run': dryRun } = this.#flagged
    const broker = await this.broker()
    const byQueue = groupByQueue(await this.#chosen(broker))
    const ids = [...byQueue.values()].flat().map(({ id }) => id)
    if (ids.length === 0) this.note('There are none.')
    else if (dryRun) this.note(`Would ${verb} ${describe(byQueue)}:`)
    // Whoever types an id has said what he means.
    else if (
      all !== true ||
      (await this.confirm(`${verb[0]?.toUpperCase()}${verb.slice(1)} ${describe(byQueue)}?`, { yes: yes === true }))
    ) {
      let done = 0
      for (const [queue, letters] of byQueue) done += await act(broker, queue, letters)
      return { done, ids }
    }
    return { done: 0, ids }
  }

  /** With --dry-run the letters that were meant, otherwise what became of them. */
  protected showReport(report: DeadReport, done: string): DeadReport {
    return this.show(report, ({ ids }) => (this.#flagged['dry-run'] ? ids.map(safe).join('\n') : `${report.done} ${done}`))
  }

  /** `this.flags` of a class that is still generic has no names. */
  get #flagged(): Flagged {
    return this.flags as Flagged
  }

  async #chosen(broker: Broker): Promise<readonly DeadLetter[]> {
    const { all, queues: named, reason } = this.#flagged
    if ((all === true) === this.words.length > 0) {
      throw new CelerityError('E_USAGE', {
        message: all ? 'Ids and --all: which of the two?' : 'Which dead letters?',
        hint: 'Give ids (`tasks dead list` has them), or --all.',
      })
    }
    const queues = await selectQueues(broker, await this.client(), await this.settings(), { queues: named })
    if (all !== true) return findLetters(broker, queues, this.words)
    const letters: DeadLetter[] = []
    for (const queue of queues) {
      for await (const letter of lettersOf(broker, queue)) if (reason === undefined || letter.reason === reason) letters.push(letter)
    }
    return letters
  }
}

function groupByQueue(letters: readonly DeadLetter[]): ReadonlyMap<string, readonly DeadLetter[]> {
  const groups = new Map<string, DeadLetter[]>()
  for (const letter of letters) {
    const group = groups.get(letter.queue)
    if (group === undefined) groups.set(letter.queue, [letter])
    else group.push(letter)
  }
  return groups
}

/** `3 dead letters of celery, 1 of mail`. */
function describe(byQueue: ReadonlyMap<string, readonly unknown[]>): string {
  const parts = [...byQueue].map(([queue, { length }], at) => {
    const what = at > 0 ? '' : length === 1 ? ' dead letter' : ' dead letters'
    return `${length}${what} of ${queue}`
  })
  return parts.join(', ')
}
