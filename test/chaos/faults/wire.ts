/** A wire between a process and a server: it can be cut without either end being told, broken with a reset, and refuse who calls. */
import { createServer, connect as dial, type Server, type Socket } from 'node:net'

export class Wire {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #port = 0
  #cut = false

  private constructor(server: Server) {
    this.#server = server
  }

  /** Listens on a free port of the loopback and passes on to `target`. */
  static async open(target: { readonly host: string; readonly port: number }): Promise<Wire> {
    const server = createServer((client) => wire.#join(client, dial(target.port, target.host)))
    const wire = new Wire(server)
    await wire.#listen()
    return wire
  }

  get port(): number {
    return this.#port
  }

  /** The URL of a server, by way of this wire. */
  by(url: string): string {
    const through = new URL(url)
    through.hostname = '127.0.0.1'
    through.port = `${this.#port}`
    return through.href
  }

  /** Nothing passes any more, in either direction; new connections are taken and stay silent. */
  cut(): void {
    this.#cut = true
    for (const socket of this.#sockets) socket.pause()
  }

  heal(): void {
    this.#cut = false
    for (const socket of this.#sockets) socket.resume()
  }

  /** Both ends of every connection get a reset. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Ends every connection, and takes no other until `accept`. */
  async refuse(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.reset()
    await closed
  }

  accept(): Promise<void> {
    return this.#listen()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#port, '127.0.0.1', () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    this.#port = (this.#server.address() as { readonly port: number }).port
  }

  #join(client: Socket, server: Socket): void {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from)
      from.on('data', (bytes) => to.write(bytes))
      from.on('end', () => to.end())
      from.on('error', () => to.destroy())
      from.on('close', () => this.#sockets.delete(from))
      if (this.#cut) from.pause()
    }
  }
}
