/** The journal as a stream: the id of an entry is the number of events written up to and with it. */
import { randomUUID } from 'node:crypto'
import type { RedisLink } from '../../redis/link.js'
import type { Broadcast, Heard } from '../broker.js'
import { JOURNAL_CAP, type Journal, type JournalBatch, type JournalPage, type JournalState } from '../journal.js'
import type { Keys } from './keys.js'
import { scripts } from './scripts.js'

type EntryReply = [id: Buffer, fields: [events: Buffer, raw: Buffer]]
type PageReply = [id: Buffer, newest: Buffer, oldest: [] | [id: Buffer, fields: [events: Buffer]], batches: EntryReply[]]

export class RedisJournal implements Journal {
  readonly #link: RedisLink
  readonly #keys: Keys

  constructor(link: RedisLink, keys: Keys) {
    this.#link = link
    this.#keys = keys
  }

  async register(reader: string, ttl: number): Promise<JournalState> {
    const { journal, journalReaders, journalBatches } = this.#keys
    const args = [reader, Math.max(1, Math.ceil(ttl * 1000)), randomUUID()]
    const [id, newest] = (await this.#link.script(scripts.journalRegister, [journal, journalReaders, journalBatches], args)) as Buffer[]
    return { id: String(id), newest: Number(newest) }
  }

  async leave(reader: string): Promise<void> {
    const { journal, journalReaders, journalBatches } = this.#keys
    await this.#link.script(scripts.journalLeave, [journal, journalReaders, journalBatches], [reader])
  }

  readers(): Promise<readonly string[]> {
    return this.#link.run(async (client) => {
      const [seconds, micros] = await client.time()
      const now = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
      return client.zrangebyscore(this.#keys.journalReaders, `(${now}`, '+inf')
    })
  }

  /** A script, though it only reads: at `maxmemory` Redis queues no transaction. */
  async read(position: number, limit: number): Promise<JournalPage> {
    const keys = [this.#keys.journal, this.#keys.journalBatches]
    const [id, last, first, entries] = (await this.#link.script(scripts.journalRead, keys, [position, limit])) as PageReply
    const newest = Number(last)
    const oldest = first[0] === undefined ? newest : positionOf(first[0]) - Number(first[1]?.[0])
    const batches = entries.map(([at, [events, raw]]): JournalBatch => ({ position: positionOf(at), events: Number(events), raw }))
    return { id: String(id), newest, oldest, batches }
  }

  /** Tells a broadcast on `channel`, and writes it while anybody is registered, in one step. */
  async broadcast(channel: string, { raw }: Broadcast, events: number): Promise<Heard> {
    const { journal, journalReaders, journalBatches, scratch } = this.#keys
    const keys = [journal, journalReaders, journalBatches, scratch]
    const reply = await this.#link.script(scripts.broadcast, keys, [channel, raw as string, events, JOURNAL_CAP])
    const [listeners = 0, readers = 0] = reply as number[]
    return { listeners, readers }
  }
}

function positionOf(id: Buffer): number {
  return Number.parseInt(id.toString(), 10)
}
