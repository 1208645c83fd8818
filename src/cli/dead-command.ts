/** What `dead retry` and `dead drop` have in common: choosing letters, asking, doing it queue by queue. */
import * as Args from '@oclif/core/args'
import type { Command } from '@oclif/core/command'
import * as Flags from '@oclif/core/flags'
import type { Broker, DeadLetter } from '../broker/broker.js'
import { CelerityError } from '../errors.js'
import { BaseCommand } from './base-command.js'
import { findLetters, lettersOf } from './dead-letters.js'
import { selectQueues } from './queue-selection.js'

export interface DeadReport {
  readonly done: number
  readonly ids: readonly string[]
}

export const DEAD_ARGS = { id: Args.string({ description: 'ids of letters or of their tasks; the first letters do' }) }

export const DEAD_FLAGS = {
  all: Flags.boolean({ summary: 'all dead letters of --queues, or of every queue' }),
  queues: Flags.string({ char: 'Q', helpValue: 'A,B', delimiter: ',', multiple: true, summary: 'only of these queues' }),
  reason: Flags.string({ helpValue: 'CODE', summary: 'with --all: only those with this reason', dependsOn: ['all'] }),
  yes: Flags.boolean({ char: 'y', summary: 'do not ask' }),
  'dry-run': Flags.boolean({ summary: 'only say how many' }),
}

export abstract class DeadCommand<C extends typeof Command> extends BaseCommand<C> {
  protected async work(verb: string, act: (broker: Broker, queue: string, ids: readonly string[]) => Promise<number>): Promise<DeadReport> {
    const flags = this.flags as { readonly all: boolean; readonly yes: boolean; readonly 'dry-run': boolean }
    const broker = await this.broker()
    const letters = await this.#chosen(broker)
    const ids = letters.map(({ id }) => id)
    const what = `${letters.length} dead letter${letters.length === 1 ? '' : 's'}`
    if (letters.length === 0 || flags['dry-run']) {
      this.note(letters.length === 0 ? 'There are none.' : `Would ${verb} ${what}.`)
      return { done: 0, ids }
    }
    // Whoever types an id has said what he means.
    if (flags.all && !(await this.confirm(`${verb[0]?.toUpperCase()}${verb.slice(1)} ${what}?`, { yes: flags.yes })))
      return { done: 0, ids }

    let done = 0
    for (const queue of new Set(letters.map((letter) => letter.queue))) {
      done += await act(
        broker,
        queue,
        letters.filter((letter) => letter.queue === queue).map(({ id }) => id),
      )
    }
    return { done, ids }
  }

  async #chosen(broker: Broker): Promise<readonly DeadLetter[]> {
    const flags = this.flags as { readonly all: boolean; readonly queues?: readonly string[]; readonly reason?: string }
    const queues = await selectQueues(broker, await this.client(), await this.settings(), { queues: flags.queues })
    if (this.words.length > 0) return findLetters(broker, queues, this.words)
    if (!flags.all)
      throw new CelerityError('E_USAGE', { message: 'Which dead letters?', hint: 'Give ids (`tasks dead list` has them), or --all.' })
    const letters: DeadLetter[] = []
    for (const queue of queues) {
      for await (const letter of lettersOf(broker, queue)) {
        if (flags.reason === undefined || letter.reason === flags.reason) letters.push(letter)
      }
    }
    return letters
  }
}
