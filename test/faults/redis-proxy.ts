/**
 * A proxy before a Redis server that understands what passes: it can answer a command itself, lose it or its reply, fall silent, or cut.
 * RESP2 only. A connection that subscribes is passed through byte by byte from then on.
 */
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net'

/** What becomes of a command: it passes, is answered in the server's place, or gets no answer at all. */
export type Verdict = 'pass' | 'lose' | { readonly error: string } | { readonly reply: string }

export interface Command {
  /** In capitals. */
  readonly name: string
  readonly args: readonly string[]
  /** Connections are counted from 1. */
  readonly connection: number
}

export interface RedisProxy {
  readonly url: string
  /** Decides about each command; all pass by default. */
  judge: (command: Command) => Verdict
  /** Takes connections and bytes, and lets none of them through, for good on connections that were open. */
  isSilent: boolean
  /** Connections that are open now. */
  readonly open: number
  /** Connections that were ever made. */
  readonly made: number
  cut(): void
  /** Nobody listens any more, until `listen`. */
  refuse(): Promise<void>
  listen(): Promise<void>
  close(): Promise<void>
}

export async function startRedisProxy(target: number): Promise<RedisProxy> {
  const sockets = new Set<Socket>()
  let made = 0
  let port = 0
  let server: Server | undefined

  const proxy: RedisProxy = {
    get url() {
      return `redis://127.0.0.1:${port}`
    },
    judge: () => 'pass',
    isSilent: false,
    get open() {
      return sockets.size
    },
    get made() {
      return made
    },
    cut() {
      for (const socket of sockets) socket.destroy()
    },
    async refuse() {
      const closed = new Promise((resolve) => server?.close(resolve))
      proxy.cut()
      await closed
    },
    listen: () =>
      new Promise((resolve, reject) => {
        const listening = createServer((client) => {
          sockets.add(client)
          client.on('close', () => sockets.delete(client))
          new Passage(proxy, client, target, ++made)
        })
        server = listening
        listening.once('error', reject)
        listening.listen(port, '127.0.0.1', () => {
          port = (listening.address() as AddressInfo).port
          resolve()
        })
      }),
    close: () => proxy.refuse(),
  }
  await proxy.listen()
  return proxy
}

/** One connection: commands one way, their replies the other, in order whoever gives them. */
class Passage {
  readonly #proxy: RedisProxy
  readonly #client: Socket
  readonly #server: Socket
  readonly #number: number
  /** A reply of our own, or `null` for the server's next one. */
  readonly #expected: (Buffer | null)[] = []
  #asked = Buffer.alloc(0)
  #answered = Buffer.alloc(0)
  #isRaw = false
  #isDeaf = false

  constructor(proxy: RedisProxy, client: Socket, target: number, number: number) {
    this.#proxy = proxy
    this.#client = client
    this.#number = number
    this.#server = createConnection(target, '127.0.0.1')
    for (const [one, other] of [
      [client, this.#server],
      [this.#server, client],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => other.destroy())
    }
    client.on('data', (bytes: Buffer) => this.#hear(bytes))
    this.#server.on('data', (bytes: Buffer) => this.#answer(bytes))
  }

  get #isSilent(): boolean {
    this.#isDeaf ||= this.#proxy.isSilent
    return this.#isDeaf
  }

  #hear(bytes: Buffer): void {
    if (this.#isSilent) return
    if (this.#isRaw) {
      this.#server.write(bytes)
      return
    }
    this.#asked = Buffer.concat([this.#asked, bytes])
    for (;;) {
      const end = endOf(this.#asked, 0)
      if (end < 0) return
      const raw = this.#asked.subarray(0, end)
      this.#asked = this.#asked.subarray(end)
      this.#pass(raw)
    }
  }

  #pass(raw: Buffer): void {
    const [name = '', ...args] = wordsOf(raw)
    if (/SUBSCRIBE$/i.test(name)) this.#isRaw = true
    const verdict = this.#proxy.judge({ name: name.toUpperCase(), args, connection: this.#number })
    if (verdict === 'lose') return
    if (verdict === 'pass') {
      this.#expected.push(null)
      this.#server.write(raw)
    } else {
      this.#expected.push(Buffer.from('error' in verdict ? `-${verdict.error}\r\n` : verdict.reply))
      this.#flush()
    }
  }

  #answer(bytes: Buffer): void {
    if (this.#isSilent) return
    if (this.#isRaw) {
      this.#client.write(bytes)
      return
    }
    this.#answered = Buffer.concat([this.#answered, bytes])
    this.#flush()
  }

  #flush(): void {
    while (this.#expected.length > 0) {
      const own = this.#expected[0]
      if (own) this.#client.write(own)
      else {
        const end = endOf(this.#answered, 0)
        if (end < 0) return
        this.#client.write(this.#answered.subarray(0, end))
        this.#answered = this.#answered.subarray(end)
      }
      this.#expected.shift()
    }
  }
}

/** Where the value that begins at `from` ends; -1: not all of it has come. */
function endOf(bytes: Buffer, from: number): number {
  const line = bytes.indexOf('\r\n', from)
  if (line < 0) return -1
  const count = Number(bytes.toString('latin1', from + 1, line))
  switch (bytes.toString('latin1', from, from + 1)) {
    case '$': {
      const end = count < 0 ? line + 2 : line + 2 + count + 2
      return end <= bytes.length ? end : -1
    }
    case '*': {
      let end = line + 2
      for (let i = 0; i < count; i++) {
        end = endOf(bytes, end)
        if (end < 0) return -1
      }
      return end
    }
    default:
      return line + 2
  }
}

function wordsOf(raw: Buffer): string[] {
  const words: string[] = []
  let at = raw.indexOf('\r\n') + 2
  while (at < raw.length) {
    const line = raw.indexOf('\r\n', at)
    const length = Number(raw.toString('latin1', at + 1, line))
    words.push(raw.toString('utf8', line + 2, line + 2 + length))
    at = line + 2 + length + 2
  }
  return words
}
