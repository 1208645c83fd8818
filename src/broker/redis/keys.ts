/**
 * The keys of the Redis broker. Queues, bindings and channels are kombu's; `celerity:*`, `<queue>.delayed*` and `<queue>.dead` are ours.
 * Everything stands behind `global_keyprefix`; with a hash tag in it (`{tasks}:`) all keys of a broker share a cluster slot.
 */
import { PRIORITY_STEPS } from '../broker.js'
import { isSuspectStep, ordinaryStep, suspectStep } from '../orphan.js'

/** kombu's separator between queue and priority step. */
const SEPARATOR = '\x06\x16'
const SUSPECTS = '.suspects'

export class Keys {
  /** Stands before every key and channel. */
  readonly prefix: string
  readonly registry: string
  readonly generation: string
  readonly unacked: string
  readonly unackedIndex: string
  readonly unackedMutex: string
  readonly queues: string
  readonly scratch: string
  readonly revoked: string
  readonly revocations: string
  readonly schedule: string
  readonly reigns: string
  readonly entries: string
  readonly removedEntries: string
  readonly holding: string
  readonly journal: string
  readonly journalReaders: string
  readonly journalBatches: string
  readonly mailboxes: string
  readonly noted: string
  readonly notes: string

  constructor(prefix: string) {
    this.prefix = prefix
    this.registry = `${prefix}celerity:workers`
    this.generation = `${prefix}celerity:generation`
    this.unacked = `${prefix}unacked`
    this.unackedIndex = `${prefix}unacked_index`
    this.unackedMutex = `${prefix}unacked_mutex`
    this.queues = `${prefix}celerity:queues`
    this.scratch = `${prefix}celerity:scratch`
    this.revoked = `${prefix}celerity:revoked`
    this.revocations = `${prefix}celerity:revocations`
    this.schedule = `${prefix}celerity:schedule`
    this.reigns = `${prefix}celerity:schedule:leaders`
    this.entries = `${prefix}celerity:schedule:entries`
    this.removedEntries = `${prefix}celerity:schedule:removed`
    this.holding = `${prefix}celerity:schedule:holding`
    this.journal = `${prefix}celerity:journal`
    this.journalReaders = `${prefix}celerity:journal:readers`
    this.journalBatches = `${prefix}celerity:journal:batches`
    this.mailboxes = `${prefix}celerity:mailboxes`
    this.noted = `${prefix}celerity:noted`
    this.notes = `${prefix}celerity:notes`
  }

  /** The list of a queue at the priority step with this index (0–3; that of its suspects: ../orphan.ts). */
  list(queue: string, step: number): string {
    const name = isSuspectStep(step) ? `${this.prefix}${queue}${SUSPECTS}` : `${this.prefix}${queue}`
    const ordinary = ordinaryStep(step)
    return ordinary === 0 ? name : `${name}${SEPARATOR}${PRIORITY_STEPS[ordinary]}`
  }
  lists(queue: string): string[] {
    return PRIORITY_STEPS.map((_, step) => this.list(queue, step))
  }
  /** The lists of its suspects. */
  suspects(queue: string): string[] {
    return PRIORITY_STEPS.map((_, step) => this.list(queue, suspectStep(step)))
  }
  /** The queue and the step of the list that a lane came from. */
  sourceOf(list: string, lane: string): { readonly queue: string; readonly step: number } {
    const [name = '', priority = '0'] = list.slice(this.prefix.length).split(SEPARATOR)
    const step = Math.max(0, (PRIORITY_STEPS as readonly number[]).indexOf(Number(priority)))
    return isSuspectLane(lane) ? { queue: name.slice(0, -SUSPECTS.length), step: suspectStep(step) } : { queue: name, step }
  }
  delayed(queue: string): string {
    return `${this.prefix}${queue}.delayed`
  }
  delayedRaw(queue: string): string {
    return `${this.prefix}${queue}.delayed.raw`
  }
  dead(queue: string): string {
    return `${this.prefix}${queue}.dead`
  }
  epoch(incarnation: string): string {
    return `${this.prefix}celerity:epoch:${incarnation}`
  }
  lease(incarnation: string): string {
    return `${this.prefix}celerity:lease:${incarnation}`
  }
  lanes(incarnation: string): string {
    return `${this.prefix}celerity:lanes:${incarnation}`
  }
  marks(incarnation: string): string {
    return `${this.prefix}celerity:marks:${incarnation}`
  }
  early(incarnation: string): string {
    return `${this.prefix}celerity:early:${incarnation}`
  }
  started(incarnation: string): string {
    return `${this.prefix}celerity:started:${incarnation}`
  }
  reaper(incarnation: string): string {
    return `${this.prefix}celerity:reaper:${incarnation}`
  }
  /** Prefix of the lanes of an incarnation; the lane's name follows. */
  lane(incarnation: string): string {
    return `${this.prefix}celerity:lane:${incarnation}:`
  }
  /** Prefix of the sets of settled positions; the lane's name follows. */
  done(incarnation: string): string {
    return `${this.prefix}celerity:done:${incarnation}:`
  }
  producer(id: string): string {
    return `${this.prefix}celerity:producer:${id}`
  }
  rate(limit: string): string {
    return `${this.prefix}celerity:rate:${limit}`
  }
  slots(reservation: string): string {
    return `${this.prefix}celerity:slots:${reservation}`
  }
  deliveries(message: string): string {
    return `${this.prefix}celerity:deliveries:${message}`
  }
  entry(name: string): string {
    return `${this.prefix}celerity:schedule:entry:${name}`
  }
  history(name: string): string {
    return `${this.prefix}celerity:schedule:history:${name}`
  }
  /** Channel of a fanout exchange: the db number is part of it, since pub/sub knows no databases. */
  channel(db: number, exchange: string, routingKey: string): string {
    return `${this.prefix}/${db}.${exchange}${routingKey === '' ? '' : `/${routingKey}`}`
  }
  /** The bindings of an exchange; each member is a routing key, a pattern and a queue. */
  bindings(exchange: string): string {
    return `${this.prefix}_kombu.binding.${exchange}`
  }
  /** Routing key, pattern and queue of a member of `bindings`. */
  boundAs(member: string): readonly string[] {
    return member.split(SEPARATOR)
  }
  binding(queue: string): readonly [key: string, member: string] {
    return [this.bindings(queue), `${queue}${SEPARATOR}${SEPARATOR}${queue}`]
  }
  /** The queue of a mailbox, its member among the bindings of the exchange, and its name among the mailboxes (scripts/mailbox.lua). */
  mailbox(exchange: string, routingKey: string): { readonly queue: string; readonly binding: string; readonly name: string } {
    const queue = `${routingKey}.${exchange}`
    const binding = `${routingKey}${SEPARATOR}${SEPARATOR}${queue}`
    return { queue, binding, name: `${binding}${SEPARATOR}${exchange}` }
  }
}

/** `<seq>/s<source>`: by its name, since a queue may be called `mail.suspects`. */
export function suspectLane(seq: number, source: number): string {
  return `${seq}/s${source}`
}

function isSuspectLane(name: string): boolean {
  return name.includes('/s')
}
