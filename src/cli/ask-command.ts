/** What `inspect`, `control` and `status` have in common: asking workers, showing each answer as it comes, and what is known when none does. */
import type { Command } from '@oclif/core/command'
import { systemClock } from '../clock.js'
import { nearest } from '../config/spelling.js'
import { type Audience, ControlClient, type Question, type Replies, type Reply } from '../control/client.js'
import { type ControlCommandName, controlCommand } from '../control/commands.js'
import { type KnownNode, knownWorkers } from '../control/known-workers.js'
import { type Given, readParameters } from '../control/parameters.js'
import { audienceOf, isFor } from '../control/pattern.js'
import { CelerityError, EXIT } from '../errors.js'
import { spanText } from '../terminal/time.js'
import { BaseCommand } from './base-command.js'
import { spanOf } from './flag-values.js'
import { type KnownDocument, knownDocument, knownText, summary } from './known-text.js'
import { isRefusal, onlineText, replyText } from './reply-text.js'

/** What each node said; of two that are called the same, the last. */
export type Answers = Readonly<Record<string, unknown>>

/** `--json`, when nobody answered. */
export interface NoAnswer {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null }
  /** By node. */
  readonly known: Readonly<Record<string, KnownDocument>>
}

interface AudienceFlags {
  readonly destination?: readonly string[]
  readonly pattern?: string
  readonly regex?: string
  readonly timeout: string
  readonly json?: boolean
}

/** Seconds: nobody waits longer for a silence. */
const MAX_TIMEOUT = 3600

export abstract class AskCommand<C extends typeof Command> extends BaseCommand<C> {
  #client: ControlClient | null = null
  /** How many heard the last question, as far as the broker can tell. */
  #listeners = 0

  /** The command of that name from the list, with what was typed. Answers that are errors end it with exit code 1. */
  protected async command(name: ControlCommandName): Promise<Answers | NoAnswer> {
    const question = this.question(name)
    const replies = await this.ask(question, ({ node, value }) => {
      this.show(value, (_, { paint }) => replyText(node, value, paint))
    })
    return this.conclude(question, replies)
  }

  /** The same, and how many there are, as Celery counts them. */
  protected async inspect(name: ControlCommandName): Promise<Answers | NoAnswer> {
    const answers = await this.command(name)
    this.showCount(answers)
    return answers
  }

  protected showCount(answers: Answers | NoAnswer): void {
    if (this.flags?.['quiet'] !== true) this.show(Object.keys(answers).length, onlineText)
  }

  /** @throws E_USAGE */
  protected question(name: ControlCommandName): Question {
    const { method, parameters } = controlCommand(name)
    const flags = this.flags as Given
    const given = parameters.map(({ name: called, as }, at) => {
      if (as === 'words') return [called, this.words.slice(at)] as const
      return [called, as === 'word' ? this.words[at] : flags[called]] as const
    })
    return { method, arguments: readParameters(parameters, Object.fromEntries(given)) }
  }

  protected async ask(question: Question, onReply?: (reply: Reply) => void): Promise<Replies> {
    const { audience, timeout } = this
    if (audience.matcher === 'pcre') await this.#checkExpression(audience)
    const onSent = (listeners: number | null) => {
      this.#listeners = listeners ?? 0
    }
    return (await this.#control()).ask(question, { ...audience, timeout, onReply, onSent })
  }

  protected async cast(question: Question): Promise<void> {
    await (await this.#control()).cast(question, this.audience)
  }

  /**
   * What is left to say when all answers are in: who is missing, and what is known of them.
   *
   * @throws E_NO_REPLY when nobody answered; with `--json` it is returned, for what is known goes with it
   */
  protected async conclude(question: Question, replies: Replies, done = ''): Promise<Answers | NoAnswer> {
    if (replies.length === 0) return this.#nobody(question, done)
    if (replies.some(({ value }) => isRefusal(value))) this.endWith(EXIT.failed)
    const counts = new Map<string, number>()
    for (const { node } of replies) counts.set(node, (counts.get(node) ?? 0) + 1)
    for (const [node, count] of counts) {
      if (count > 1) this.caution(`${count} workers answered as ${node}; names should tell them apart (-n with %h or %d)`)
    }
    await this.#nameTheMissing(question, new Set(counts.keys()))
    return Object.fromEntries(replies.map(({ node, value }) => [node, value]))
  }

  /** Workers of ours that the request is for, as the broker knows them. */
  protected async known(question: Question): Promise<readonly KnownNode[]> {
    const found: KnownNode[] = []
    for (const one of await knownWorkers(await this.broker())) {
      if (await isFor({ ...question, ...this.audience }, one.node)) found.push(one)
    }
    return found
  }

  /** @throws E_USAGE */
  protected get audience(): Audience {
    const { destination, pattern, regex } = this.#flagged
    if (destination !== undefined) return { destination: namesOf(destination) }
    if (pattern !== undefined) return { pattern, matcher: 'glob' }
    return regex === undefined ? {} : { pattern: regex, matcher: 'pcre' }
  }

  /** Seconds. @throws E_USAGE */
  protected get timeout(): number {
    const seconds = spanOf('timeout', this.#flagged.timeout)
    if (seconds > 0 && seconds <= MAX_TIMEOUT) return seconds
    throw new CelerityError('E_USAGE', { message: `--timeout ${this.#flagged.timeout} is no time to wait`, hint: 'Give 1s to 1h.' })
  }

  /** oclif looks for `--json` alone. */
  override jsonEnabled(): boolean {
    return super.jsonEnabled() || (this.flags !== undefined && this.#flagged.json === true)
  }

  override async finally(error: Error | undefined): Promise<void> {
    await this.#client?.close()
    await super.finally(error)
  }

  /** `this.flags` of a class that is still generic has no names. */
  get #flagged(): AudienceFlags {
    return this.flags as unknown as AudienceFlags
  }

  /** @throws E_USAGE for what is no regular expression to anybody; Python's workers take some that ours refuse */
  async #checkExpression(audience: Audience): Promise<void> {
    if ((await audienceOf({ method: 'ping', arguments: {}, ...audience }, 'celery@host')) !== 'refused') return
    const { pattern = '' } = audience
    try {
      new RegExp(pattern)
    } catch {
      const hint = "Give such as 'celery@web-[0-9]+'; --pattern takes celery@web-*."
      throw new CelerityError('E_USAGE', { message: `--regex ${JSON.stringify(pattern)} is no regular expression`, hint })
    }
    this.caution('workers of ours do not take this --regex (too long, or with a lookaround or a backreference); Python workers may')
  }

  async #control(): Promise<ControlClient> {
    const [broker, log] = [await this.broker(), await this.logger()]
    this.#client ??= new ControlClient({ broker, clock: systemClock, log }, { timeout: this.timeout })
    return this.#client
  }

  async #nobody(question: Question, done: string): Promise<NoAnswer> {
    const known = await this.known(question)
    const { destination } = this.audience
    const who = destination === undefined ? 'No worker answered' : `No answer from ${destination.join(', ')}`
    const message = `${who} within ${spanText(this.timeout)}${done === '' ? '' : `; ${done}`}`
    const hint = await this.#whatToDo(known, destination)
    const error = new CelerityError('E_NO_REPLY', { message, hint })
    if (!this.jsonEnabled()) {
      for (const one of known) this.showAside(one, (_, { paint }) => knownText(one, question.method, paint))
      throw error
    }
    this.endWith(EXIT.unavailable)
    const entries = known.map((one) => [one.node, knownDocument(one, question.method)] as const)
    return { error: { code: error.code, message, hint }, known: Object.fromEntries(entries) }
  }

  async #whatToDo(known: readonly KnownNode[], destination: readonly string[] | undefined): Promise<string> {
    if (known.some(({ isAlive }) => isAlive)) return 'The broker has it as alive: give it longer with --timeout 5s, or look at its log.'
    if (destination === undefined && this.#listeners > 0) {
      return `${this.#listeners} heard it and did not answer: busy, or others than meant. Give them longer with --timeout 5s.`
    }
    const start = 'Start one with `tasks worker`. On another broker? --broker names it, `tasks config brokerUrl` shows it.'
    if (destination === undefined || known.length > 0) return start
    const names = (await knownWorkers(await this.broker())).map(({ node }) => node)
    const meant = destination.map((node) => nearest(node, names)).find((name) => name !== null)
    const list = '`tasks status` lists the workers that are there.'
    return meant === undefined ? list : `Did you mean ${meant}? ${list}`
  }

  /** Those that were named and are silent fail the command; others that should have answered are mentioned. */
  async #nameTheMissing(question: Question, answered: ReadonlySet<string>): Promise<void> {
    const { destination = [] } = this.audience
    const known = new Map((await this.known(question)).map((one) => [one.node, one]))
    const silent = [...known.values()].filter(({ node, isAlive }) => isAlive && !answered.has(node)).map(({ node }) => node)
    const named = destination.filter((node) => !answered.has(node))
    for (const node of new Set([...named, ...silent])) {
      const one = known.get(node)
      const word = one === undefined ? 'and the broker knows no worker of ours so called' : lastWord(one)
      this.caution(`${node} did not answer within ${spanText(this.timeout)}, ${word}`)
    }
    if (named.length > 0) this.endWith(EXIT.unavailable)
  }
}

function lastWord(one: KnownNode): string {
  return one.age === null ? 'and has left no word' : `${spanText(one.age)} ago it said: ${summary(one)}`
}

/** @throws E_USAGE when nothing but commas was typed: that would be everybody */
function namesOf(typed: readonly string[]): readonly string[] {
  const names = [...new Set(typed.map((name) => name.trim()).filter((name) => name !== ''))]
  if (names.length > 0) return names
  throw new CelerityError('E_USAGE', {
    message: '--destination names no worker',
    hint: 'Give names with commas between: -d celery@a,celery@b.',
  })
}
