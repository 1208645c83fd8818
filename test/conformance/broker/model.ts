/** The law of the broker, as a property: whatever happens in whatever order, no message is in two places, and none in none. */
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import type { Delivery, Fate, Settlement } from '../../../src/broker/broker.js'
import { ACK, BACK, DEAD, eventually, FRONT, type Hand, held, message, type Stage, textOf } from './stage.js'

const STEPS = 30

type Step =
  | { readonly do: 'publish'; readonly queue: number; readonly priority: number }
  | { readonly do: 'take'; readonly worker: number; readonly max: number; readonly times: number }
  | { readonly do: 'close'; readonly worker: number }
  | {
      readonly do: 'settle'
      readonly worker: number
      readonly pick: number
      readonly fate: 'ack' | 'front' | 'back' | 'dead'
      readonly times: number
    }
  | { readonly do: 'start'; readonly worker: number; readonly pick: number }
  | { readonly do: 'renew' | 'resign'; readonly worker: number }
  | { readonly do: 'reap' }

const worker = fc.nat(2)
const times = fc.integer({ min: 1, max: 2 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('publish' as const), queue: fc.nat(1), priority: fc.nat(9) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('take' as const), worker, max: fc.integer({ min: 1, max: 4 }), times }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), worker }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      worker,
      pick: fc.nat(),
      fate: fc.constantFrom('ack', 'front', 'back', 'dead'),
      times,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('start' as const), worker, pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('renew' as const, 'resign' as const), worker }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reap' as const) }) },
)

const FATES: Readonly<Record<'ack' | 'front' | 'back' | 'dead', Fate>> = { ack: ACK, front: FRONT, back: BACK, dead: DEAD }

/** What ought to be where: every message in exactly one of these. */
class Model {
  readonly alive = new Set<string>()
  readonly acked = new Set<string>()
  readonly dead = new Set<string>()
  #names = 0

  published(): string {
    const name = `m${this.#names++}`
    this.alive.add(name)
    return name
  }
  ended(name: string, fate: Fate): void {
    if (fate.kind !== 'ack' && fate.kind !== 'dead') return
    if (!this.alive.delete(name)) throw new Error(`${name} ended twice`)
    if (fate.kind === 'ack') this.acked.add(name)
    else this.dead.add(name)
  }
}

/** One worker of the play: what it believes it holds, and what it settled already and may settle again. */
interface Actor {
  /** Its lease has always run out: the next reaping ends it. */
  readonly mortal: boolean
  hand: Hand
  readonly holds: Map<string, Delivery>
  readonly past: Settlement[]
}

export function model(stage: () => Stage): void {
  describe('whatever happens', () => {
    it('every message is in one place: waiting, held, ended or dead, and never in two', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: STEPS, maxLength: STEPS }), async (steps) => {
          const play = await Play.begin(stage())
          for (const each of steps) await play.act(each)
          await play.end()
        }),
        { numRuns: 20 },
      )
    }).timeout(120_000)
  })
}

class Play {
  readonly #stage: Stage
  readonly #model = new Model()
  /** Of its own: a play that failed leaves its messages behind, and the next, smaller one must not meet them. */
  readonly #queues: readonly string[]
  readonly #actors: readonly Actor[]

  private constructor(stage: Stage, queues: readonly string[], actors: readonly Actor[]) {
    this.#stage = stage
    this.#queues = queues
    this.#actors = actors
  }

  static async begin(stage: Stage): Promise<Play> {
    const queues = [randomUUID(), randomUUID()]
    const actors = [true, false, false].map(async (mortal) => ({
      mortal,
      hand: await newHand(stage, queues, mortal),
      holds: new Map(),
      past: [],
    }))
    return new Play(stage, queues, await Promise.all(actors))
  }

  async act(step: Step): Promise<void> {
    switch (step.do) {
      case 'publish':
        return this.#stage.broker.publish([
          message(this.#model.published(), { queue: this.#queues[step.queue] as string, priority: step.priority }),
        ])
      case 'take':
        return this.#take(this.#actor(step.worker), step.max, step.times)
      case 'close':
        return this.#close(this.#actor(step.worker))
      case 'settle':
        return this.#settle(this.#actor(step.worker), step.pick, FATES[step.fate], step.times)
      case 'start':
        return this.#start(this.#actor(step.worker), step.pick)
      case 'renew':
        expect((await this.#actor(step.worker).hand.renew()).kind).to.equal('kept')
        return
      case 'resign':
        return this.#resign(this.#actor(step.worker))
      case 'reap':
        return this.#reap()
    }
  }

  /** Stops everybody, looks into every corner, and compares. */
  async end(): Promise<void> {
    for (const actor of this.#actors) await this.#resign(actor)
    await this.#reap() // what had a start record is judged here
    for (const actor of this.#actors) await actor.hand.consumer.resign()
    const found: string[] = []
    const dead: string[] = []
    for (const queue of this.#queues) {
      const counts = await this.#stage.counts(queue)
      expect(counts, 'nothing is held any more').to.include({ leased: 0, delayed: 0 })
      const sweeper = await this.#stage.worker({ queues: [queue] })
      const got = await sweeper.take(1_000)
      found.push(...got.map(textOf))
      expect(await sweeper.ack(...got)).to.equal('ok')
      await sweeper.consumer.resign()
      const letters = await this.#stage.broker.queues.dead(queue, 0, 1_000)
      dead.push(...letters.map(textOf))
      await this.#stage.broker.queues.dropDead(
        queue,
        letters.map(({ id }) => id),
      )
    }
    expect(found.sort(), 'waiting').to.deep.equal([...this.#model.alive].sort())
    expect(dead.sort(), 'dead').to.deep.equal([...this.#model.dead].sort())
  }

  #message(text: string, queue = 0, priority = 0) {
    return message(text, { queue: this.#queues[queue] as string, priority })
  }

  #actor(index: number): Actor {
    return this.#actors[index % this.#actors.length] as Actor
  }

  /** A take whose reply is lost is asked again by its number: both answers must be the same. */
  async #take(actor: Actor, max: number, times: number): Promise<void> {
    const seq = ++actor.hand.seq
    const answers: string[][] = []
    for (let i = 0; i < times; i++) {
      const { deliveries } = held(await actor.hand.consumer.take(seq, this.#queues, max))
      answers.push(deliveries.map(textOf))
      if (i > 0 && answers[0]?.length !== 0) expect(answers[i]).to.deep.equal(answers[0])
      for (const delivery of deliveries) {
        const name = textOf(delivery)
        expect(this.#model.alive, 'taken after its end').to.include(name)
        for (const other of this.#actors) if (other !== actor) expect([...other.holds.keys()], 'held by two').to.not.include(name)
        actor.holds.set(name, delivery)
      }
    }
  }

  /** A take whose reply never comes is closed; what it had popped goes back. */
  async #close(actor: Actor): Promise<void> {
    const seq = ++actor.hand.seq
    await actor.hand.consumer.take(seq, this.#queues, 3)
    await actor.hand.consumer.closeTake(seq)
    expect(held(await actor.hand.consumer.take(seq, this.#queues, 3)).deliveries).to.deep.equal([])
  }

  async #settle(actor: Actor, pick: number, fate: Fate, times: number): Promise<void> {
    const names = [...actor.holds.keys()]
    const name = names[pick % Math.max(1, names.length)]
    const delivery = name === undefined ? undefined : actor.holds.get(name)
    if (name === undefined || delivery === undefined) return
    const follow = this.#model.published()
    const settlement: Settlement = { delivery, fate, publish: [this.#message(follow)] }
    // Beside it an old settlement, sent once more: it must be passed over.
    const old = actor.past.at(-1)
    for (let i = 0; i < times; i++) expect(await actor.hand.settle(settlement, ...(old === undefined ? [] : [old]))).to.equal('ok')
    actor.holds.delete(name)
    actor.past.push(settlement)
    this.#model.ended(name, fate)
  }

  async #start(actor: Actor, pick: number): Promise<void> {
    const held = [...actor.holds.values()]
    const delivery = held[pick % Math.max(1, held.length)]
    if (delivery !== undefined) expect(await actor.hand.consumer.start([delivery])).to.equal('ok')
  }

  async #resign(actor: Actor): Promise<void> {
    await actor.hand.consumer.resign()
    await this.#lastWords(actor)
  }

  /** The mortal worker is fenced with all it holds. */
  async #reap(): Promise<void> {
    for (const actor of this.#actors.filter(({ mortal }) => mortal)) {
      await eventually(async () => {
        const { reaped } = await this.#stage.broker.tend(() => ({ fate: FRONT }))
        return reaped.some(({ incarnation }) => incarnation === actor.hand.consumer.incarnation)
      })
      await this.#lastWords(actor)
    }
  }

  /** What a fenced worker still says is heard by nobody; then another takes its part. */
  async #lastWords(actor: Actor): Promise<void> {
    const late = [...actor.holds.values()].map((delivery): Settlement => ({ delivery, fate: ACK, publish: [this.#message('too late')] }))
    const said = [...late, ...actor.past.slice(-2)]
    if (said.length > 0) expect(await actor.hand.settle(...said)).to.equal('lost')
    expect(await actor.hand.consumer.take(actor.hand.seq + 1, this.#queues, 1)).to.equal('lost')
    actor.hand = await newHand(this.#stage, this.#queues, actor.mortal)
    actor.holds.clear()
    actor.past.length = 0
  }
}

function newHand(stage: Stage, queues: readonly string[], mortal: boolean): Promise<Hand> {
  return mortal ? stage.doomed({ queues }) : stage.worker({ queues })
}
