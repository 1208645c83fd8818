/**
 * Waits until replicas have what was written (`waitReplicas`). Redis answers before they do, so that a failover takes along what it answered
 * last: a task that counts as sent, or a settlement that counts as done. All else that is lost by it only makes the queues a little older
 * than they were, and an older state of theirs is as good as any.
 */
import type { Redis } from 'ioredis'
import { CelerityError, reason } from '../../errors.js'
import type { Log } from '../../log.js'
import { evaluate, type RedisLink, type Script } from '../../redis/link.js'
import type { BrokerOptions } from '../options.js'
import type { Argument } from './ops.js'

/** Milliseconds for which settlements wait no more, after too few replicas had one in time: each of them would hold up all that follows. */
const GIVEN_UP_MS = 5_000

export class Replicas {
  readonly #link: RedisLink
  readonly #count: number
  readonly #ms: number
  readonly #log: Log
  #missed = Number.NEGATIVE_INFINITY

  constructor(link: RedisLink, { waitReplicas, waitReplicasTimeout, log }: BrokerOptions) {
    this.#link = link
    this.#count = waitReplicas
    this.#ms = Math.max(1, Math.ceil(waitReplicasTimeout * 1000)) // 0 is for ever
    this.#log = log
  }

  /** Runs a script that stores messages; the script writes something also when it is sent again. @throws E_PUBLISH_TIMEOUT too few have it */
  async stored(script: Script, keys: readonly Argument[], args: readonly Argument[], deadlineMs?: number): Promise<void> {
    if (this.#count === 0) {
      await this.#link.script(script, keys, args, deadlineMs)
      return
    }
    const [, copies] = await this.#link.run((client) => this.#both(client, script, keys, args), deadlineMs)
    if (copies >= this.#count) return
    throw new CelerityError('E_PUBLISH_TIMEOUT', {
      message: `the messages were stored, but ${copies} of ${this.#count} replicas had them within ${this.#ms} ms: a failover may lose them`,
      hint: 'waitReplicas of brokerTransportOptions says how many replicas must have a message before it counts as sent. Do they follow the primary?',
    })
  }

  /** Runs a script that settles. That too few have it in time is no error, for it is done: a failover may have it run again. */
  async settled(script: Script, keys: readonly Argument[], args: readonly Argument[]): Promise<unknown> {
    if (this.#count === 0 || performance.now() - this.#missed < GIVEN_UP_MS) return this.#link.script(script, keys, args)
    const [reply, copies] = await this.#link.run((client) => this.#both(client, script, keys, args))
    if (copies < this.#count) {
      this.#missed = performance.now()
      this.#log.debug('too few replicas have a settlement; a failover now may run its tasks again', { copies, wanted: this.#count })
    }
    return reply
  }

  /** In one write to one connection: asked over another one, WAIT would answer for what that one has written. */
  async #both(client: Redis, script: Script, keys: readonly Argument[], args: readonly Argument[]): Promise<readonly [unknown, number]> {
    let copies: Promise<number> = Promise.resolve(0)
    const reply = await evaluate(client, script, keys, args, () => {
      copies = client.wait(this.#count, this.#ms)
      copies.catch(() => {}) // the script may have failed first
    })
    try {
      return [reply, await copies]
    } catch (error) {
      // Not as the server's own no: the script was carried out, and what it wrote may be lost in the failover that is going on.
      throw new Error(`no word of the replicas: ${reason(error)}`)
    }
  }
}
