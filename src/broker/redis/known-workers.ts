/** What is known of workers from outside: registry, lease, last note, and what they hold. */
import type { RedisLink } from '../../redis/link.js'
import { type InFlight, type KnownWorker, NOTE_KEPT_MS } from '../broker.js'
import type { Keys } from './keys.js'
import { readEntry } from './registry-entry.js'
import { scripts } from './scripts.js'

type WorkersReply = (Buffer | number)[]

export class KnownWorkers {
  readonly #link: RedisLink
  readonly #keys: Keys

  constructor(link: RedisLink, keys: Keys) {
    this.#link = link
    this.#keys = keys
  }

  async note(incarnation: string, state: string): Promise<void> {
    const keys = [this.#keys.epoch(incarnation), this.#keys.registry, this.#keys.noted, this.#keys.notes]
    await this.#link.script(scripts.note, keys, [incarnation, state, NOTE_KEPT_MS])
  }

  async workers(): Promise<readonly KnownWorker[]> {
    const keys = [this.#keys.registry, this.#keys.noted, this.#keys.notes]
    const reply = (await this.#link.script(scripts.workers, keys, [
      this.#keys.epoch(''),
      this.#keys.lease(''),
      NOTE_KEPT_MS,
    ])) as WorkersReply
    const workers: KnownWorker[] = []
    for (let i = 0; i + 4 < reply.length; i += 5) {
      const [incarnation, registered, alive, note, age] = reply.slice(i, i + 5).map(String) as [string, string, string, string, string]
      // A note is the registry entry, which has no line break, and the state.
      const end = note.indexOf('\n')
      const { node, queues } = readEntry(registered === '' ? note.slice(0, end) : registered)
      const word = end < 0 ? { state: null, stateAge: null } : { state: note.slice(end + 1), stateAge: Math.max(0, Number(age)) }
      workers.push({ incarnation, node, queues, isAlive: alive === '1', ...word })
    }
    return workers
  }

  /** Lane by lane; what is settled meanwhile is left out. */
  async inFlight(incarnation: string, limit: number): Promise<readonly InFlight[]> {
    const [lanes, started] = await this.#link.run((client) =>
      Promise.all([client.hgetall(this.#keys.lanes(incarnation)), client.smembers(this.#keys.started(incarnation))]),
    )
    const running = new Set(started)
    const found: InFlight[] = []
    for (const [lane, source] of Object.entries(lanes).sort(byTake)) {
      if (found.length >= limit) break
      for (const [position, raw] of await this.#openOf(incarnation, lane, limit - found.length)) {
        found.push({ lane, position, queue: this.#keys.sourceOf(source, lane).queue, raw, isStarted: running.has(`${lane}:${position}`) })
      }
    }
    return found
  }

  /** The first `limit` positions of a lane that are not settled, with their bytes. */
  #openOf(incarnation: string, lane: string, limit: number): Promise<[number, Buffer][]> {
    const key = this.#keys.lane(incarnation) + lane
    return this.#link.run(async (client) => {
      const [size, done] = await Promise.all([client.llen(key), client.smembers(this.#keys.done(incarnation) + lane)])
      const settled = new Set(done)
      const open: number[] = []
      for (let position = 0; position < size && open.length < limit; position++) if (!settled.has(String(position))) open.push(position)
      const [first, last] = [open[0], open.at(-1)]
      if (first === undefined || last === undefined) return []
      const raws = await client.lrangeBuffer(key, first, last)
      return open.flatMap((position): [number, Buffer][] => {
        const raw = raws[position - first]
        return raw === undefined || raw.length === 0 ? [] : [[position, raw]] // blank: settled meanwhile
      })
    })
  }
}

/** `<seq>/<source>`, in the order in which they were taken. */
function byTake([a]: [string, string], [b]: [string, string]): number {
  const [seqA = 0, sourceA = 0] = a.replace('s', '').split('/').map(Number)
  const [seqB = 0, sourceB = 0] = b.replace('s', '').split('/').map(Number)
  return seqA - seqB || sourceA - sourceB
}
