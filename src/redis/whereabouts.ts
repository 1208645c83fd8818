/**
 * Which server the next connection goes to. Mostly the one of the URL. Sentinels are asked anew for each connection. In a cluster it is the
 * node that holds the slot of our keys: all of them share the hash tag of the key prefix, hence one slot, hence one node. Nothing is asked
 * for that: a node that does not hold the slot says who does (MOVED), and names the others, in case this one dies.
 */
import { Redis } from 'ioredis'
import { CelerityError, reason } from '../errors.js'
import { maskUrl } from '../mask.js'
import type { RedisAddress } from './address.js'
import { quiet, quietSentinels } from './quiet.js'
import { refusalOf } from './refusal.js'
import { sentinelOptions } from './sentinels.js'

interface Node {
  readonly host: string
  readonly port: number
}

/** Never longer than this between two tries, so that work goes on within 5 s of the server's return. */
const MAX_BACKOFF_MS = 2_000

export class Whereabouts {
  readonly #address: RedisAddress
  readonly #isTagged: boolean
  /** Whom the last MOVED named. */
  #holder: Node | undefined
  /** Nodes of the cluster; empty: it is none, as far as we know. */
  #nodes: readonly Node[] = []
  #turn = 0

  constructor(address: RedisAddress, keyPrefix: string) {
    this.#address = address
    this.#isTagged = hashTag(keyPrefix) !== ''
  }

  /** @param remark is told what nobody need wait for, but somebody may want to know */
  connect(connectTimeout: number, remark: (words: string) => void): Redis {
    const { sentinels } = this.#address
    const options = {
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      // Who listens subscribes again when the link is ready; ioredis would do it too, and forget to catch that it failed.
      autoResubscribe: false,
      // Ends the calls that a cut leaves unanswered; `null` would forget them without a word, and each would wait for its deadline.
      maxRetriesPerRequest: 0,
      maxLoadingRetryTime: 1_000,
      connectTimeout,
      keepAlive: 10_000,
      disableClientInfo: true,
      protocol: 2 as const,
      // Of a node that is gone the others know more than it does: in a cluster the next try goes to one of them.
      retryStrategy: (times: number) =>
        this.isCluster ? null : Math.min(25 * 2 ** Math.min(times, 8), MAX_BACKOFF_MS) * (0.5 + Math.random() / 2),
    }
    if (sentinels === undefined) return quiet(new Redis(this.#next(), options), remark)
    const client = new Redis({ ...options, ...sentinelOptions(sentinels), lazyConnect: true })
    return quietSentinels(quiet(client, remark), remark)
  }

  /** A cluster with our keys on one of its nodes. */
  get isCluster(): boolean {
    return this.#nodes.length > 0 || this.#holder !== undefined
  }

  /** Whether `error` says that the connection leads to the wrong server, or to one that serves no more; the next one is another. */
  isElsewhere(error: unknown): boolean {
    if (refusalOf(error) === null) return false
    const [code, , place] = reason(error).split(' ')
    if (code === 'READONLY' || code === 'UNBLOCKED' || code === 'MASTERDOWN') return true
    if (code !== 'MOVED' || !this.#isTagged) return false
    const [, host, port] = /^(.*):(\d+)$/.exec(place ?? '') ?? []
    this.#holder = { host: host || new URL(this.#next()).hostname, port: Number(port) }
    return true
  }

  /** The server is a cluster that can't serve us: what to say. Null: nothing of the kind. */
  unfit(error: unknown): CelerityError | null {
    if (refusalOf(error) === null) return null
    const text = reason(error)
    const shown = maskUrl(this.#address.url)
    if (/SELECT is not allowed in cluster mode/.test(text)) {
      return new CelerityError('E_BROKER_UNSAFE', {
        message: `${shown} is a Redis Cluster, which has database 0 alone`,
        hint: 'Leave the database out of the URL; globalKeyprefix keeps applications apart.',
      })
    }
    if (!/^(CROSSSLOT|MOVED) |Script attempted to access (a non local key|keys that do not hash)/.test(text)) return null
    return new CelerityError('E_BROKER_UNSAFE', {
      message: `${shown} is a Redis Cluster, and what belongs together would lie on several of its nodes: ${text}`,
      hint: 'Set globalKeyprefix of brokerTransportOptions and of resultBackendTransportOptions to the same hash tag, such as {tasks}: with its braces.',
      cause: error,
    })
  }

  /** A connection is ready: who else there is, should this one be lost. */
  async greet(client: Redis): Promise<void> {
    if (!this.#isTagged || this.#address.sentinels !== undefined) return
    try {
      const slots = await client.cluster('SLOTS')
      const nodes = slots.flatMap(([, , ...all]) => all.map(([host, port]) => ({ host: host || '', port })))
      this.#nodes = nodes.filter(({ host }) => host !== '')
    } catch {
      // No cluster, or it is gone already: then there is nobody else.
    }
  }

  /** The connection ended, or could not be made. */
  lost(): void {
    this.#holder = undefined
    this.#turn++
  }

  #next(): string {
    const { url } = this.#address
    const node = this.#holder ?? [undefined, ...this.#nodes][this.#turn % (this.#nodes.length + 1)]
    if (node === undefined) return url
    const next = new URL(url)
    next.hostname = node.host.includes(':') ? `[${node.host}]` : node.host
    next.port = String(node.port)
    return next.href
  }
}

/** What a cluster hashes instead of the whole key, with its braces: between the first `{` and the next `}`, if anything stands there. */
export function hashTag(prefix: string): string {
  return /^[^{]*(\{[^}]+\})/.exec(prefix)?.[1] ?? ''
}
