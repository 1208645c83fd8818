/** A wire between a process and a server that can be cut without either end being told: no reset, no end, just silence. */
import { createServer, connect as dial, type Server, type Socket } from 'node:net'

export class Wire {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #cut = false

  private constructor(server: Server) {
    this.#server = server
  }

  /** Listens on a free port of the loopback and passes on to `target`. */
  static async open(target: { readonly host: string; readonly port: number }): Promise<Wire> {
    const server = createServer((client) => proxy.#join(client, dial(target.port, target.host)))
    const proxy = new Wire(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as { readonly port: number }).port
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
      from.on('data', (bytes) => to.write(bytes))
      from.on('end', () => to.end())
      from.on('error', () => to.destroy())
      from.on('close', () => this.#sockets.delete(from))
      if (this.#cut) from.pause()
    }
  }
}
