/** A wire to a Redis server whose replies come late, or drop by drop, or are cut off in their middle, or garbled. */
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Frame, FrameReader } from './resp.js'

/** What may happen to one reply. `cut`: its first half, and the end of the connection. `garble`: its first byte is none. */
export type Harm = 'cut' | 'garble'

export interface Quality {
  /** Milliseconds that each reply is late. */
  readonly latencyMs: number
  /** Bytes that pass in a millisecond. */
  readonly bytesPerMs: number
}

const GOOD: Quality = { latencyMs: 0, bytesPerMs: Number.POSITIVE_INFINITY }
/** Milliseconds from one drop to the next. */
const DROP_MS = 8

export class PoorWire {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #quality = GOOD
  #harm: { readonly harm: Harm; left: number; readonly done: () => void } | undefined

  /** Listens on a free port of the loopback and passes on to `port` there. */
  static async open(port: number): Promise<PoorWire> {
    const server = createServer((client) => wire.#join(client, dial(port, '127.0.0.1')))
    const wire = new PoorWire(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return wire
  }

  private constructor(server: Server) {
    this.#server = server
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as { readonly port: number }).port}`
  }

  /** From now on, on all connections. */
  become(quality: Partial<Quality>): void {
    this.#quality = { ...GOOD, ...quality }
  }

  /** The `nth` reply from now on, on whichever connection. Resolves when it has happened. */
  spoil(harm: Harm, nth: number): Promise<void> {
    return new Promise((resolve) => {
      this.#harm = { harm, left: nth, done: resolve }
    })
  }

  /** Both ends of every connection get a reset. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: Socket, server: Socket): void {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
    }
    client.on('data', (bytes) => server.write(bytes))
    const replies = new FrameReader()
    let before = Promise.resolve()
    server.on('data', (bytes) => {
      const due = performance.now() + this.#quality.latencyMs
      for (const frame of replies.read(bytes)) before = before.then(() => this.#pass(client, frame, due))
    })
  }

  async #pass(client: Socket, frame: Frame, due: number): Promise<void> {
    const late = due - performance.now()
    if (late > 0) await sleep(late)
    const { bytes } = frame
    const harm = this.#harmOf()
    if (harm === 'cut') client.end(bytes.subarray(0, Math.ceil(bytes.length / 2)))
    else if (harm === 'garble') client.write(Buffer.concat([Buffer.from([0]), bytes.subarray(1)]))
    else await this.#drip(client, bytes)
  }

  #harmOf(): Harm | null {
    if (this.#harm === undefined || --this.#harm.left > 0) return null
    const { harm, done } = this.#harm
    this.#harm = undefined
    done()
    return harm
  }

  async #drip(client: Socket, bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length && !client.destroyed; ) {
      const { bytesPerMs } = this.#quality
      const size = Math.min(bytes.length - at, bytesPerMs * DROP_MS)
      client.write(bytes.subarray(at, at + size))
      at += size
      if (bytesPerMs < Number.POSITIVE_INFINITY) await sleep(size / bytesPerMs)
    }
  }
}
