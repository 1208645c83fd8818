/**
 * A wire that counts the commands of a process to its Redis server, and at one of them loses the request or the reply: nothing passes on
 * that connection any more, and whoever opened the wire is told, to do what then happens.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import { type Frame, FrameReader } from './resp.js'

/** `request`: the server never sees it. `reply`: it was carried out, and nobody is told. */
export type Loss = 'request' | 'reply'

export interface Step {
  /** From 1; over all connections of the process. */
  readonly number: number
  readonly loss: Loss
}

/** The connection on which something was lost. */
export interface Broken {
  /** Both ends get a reset. */
  reset(): void
}

const SUBSCRIBES = /^p?(un)?subscribe$/i

export class StepWire {
  readonly #server: Server
  readonly #step: Step
  readonly #lost: (broken: Broken) => void
  readonly #sockets = new Set<Socket>()
  readonly #commands: string[] = []
  #name = ''
  #hit = false

  private constructor(server: Server, step: Step, lost: (broken: Broken) => void) {
    this.#server = server
    this.#step = step
    this.#lost = lost
  }

  /** Listens on a free port of the loopback and passes on to `port` there. */
  static async open(port: number, step: Step, lost: (broken: Broken) => void): Promise<StepWire> {
    const server = createServer((client) => wire.#join(client, dial(port, '127.0.0.1')))
    const wire = new StepWire(server, step, lost)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return wire
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as { readonly port: number }).port}`
  }

  /** Commands that came so far. */
  get count(): number {
    return this.#commands.length
  }

  /** Whether the step has come and something was lost. */
  get hit(): boolean {
    return this.#hit
  }

  /** The command of the step, once it has come. */
  get command(): string {
    return this.#name
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: Socket, server: Socket): void {
    const connection = new Connection(client, server)
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
    client.on('data', (chunk) => {
      for (const frame of connection.requests.read(chunk)) if (!connection.dead) this.#request(connection, frame)
    })
    server.on('data', (chunk) => {
      for (const frame of connection.replies.read(chunk)) if (!connection.dead) this.#reply(connection, frame)
    })
  }

  #request(connection: Connection, frame: Frame): void {
    this.#commands.push(frame.words[0] ?? '')
    const isStep = this.count === this.#step.number
    if (isStep) this.#name = nameOf(frame.words)
    if (isStep && this.#step.loss === 'request') {
      this.#lose(connection)
      return
    }
    connection.waiting.push({ isStep, left: SUBSCRIBES.test(frame.words[0] ?? '') ? Math.max(1, frame.size - 1) : 1 })
    connection.server.write(frame.bytes)
  }

  #reply(connection: Connection, frame: Frame): void {
    const isNews = /^p?message$/.test(frame.words[0] ?? '') && connection.waiting[0]?.isStep !== true
    const waiting = isNews ? undefined : connection.waiting[0]
    if (waiting !== undefined && --waiting.left === 0) {
      connection.waiting.shift()
      if (waiting.isStep) {
        this.#lose(connection)
        return
      }
    }
    connection.client.write(frame.bytes)
  }

  #lose(connection: Connection): void {
    this.#hit = true
    connection.dead = true
    this.#lost({
      reset() {
        connection.client.resetAndDestroy()
        connection.server.resetAndDestroy()
      },
    })
  }
}

class Connection {
  readonly requests = new FrameReader()
  readonly replies = new FrameReader()
  /** Requests whose replies have not come, in order, each with how many replies it gets. */
  readonly waiting: { readonly isStep: boolean; left: number }[] = []
  /** Nothing passes any more. */
  dead = false

  constructor(
    readonly client: Socket,
    readonly server: Socket,
  ) {}
}

const SCRIPTS = new URL('../../../src/broker/redis/scripts/', import.meta.url)

/** A command as people know it: scripts by the names of their files. */
function nameOf([command = '', first = '']: readonly string[]): string {
  if (!/^EVAL(SHA)?$/i.test(command)) return `${command} ${first}`.trim().slice(0, 60)
  const digest = command.length === 4 ? sha1(Buffer.from(first, 'latin1')) : first
  const file = readdirSync(SCRIPTS).find((name) => sha1(readFileSync(new URL(name, SCRIPTS))) === digest)
  return `${command} ${file ?? digest}`
}

function sha1(text: Buffer): string {
  return createHash('sha1').update(text).digest('hex')
}
