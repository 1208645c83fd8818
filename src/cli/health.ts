/**
 * Answers for probes, without touching the broker: `/live` as long as the process turns its event loop, `/ready` while it serves: a worker
 * that holds a lease, a beat that leads or stands by. A broker that is away makes it not ready, but not dead: restarting it would help nobody.
 */
import { createServer } from 'node:http'
import { CelerityError, reason } from '../errors.js'

export interface Health {
  readonly node: string
  readonly ready: boolean
  /** Whatever else there is to know. */
  readonly [detail: string]: string | number | boolean
}

export interface HealthServer {
  /** The port it got. */
  readonly port: number
  close(): Promise<void>
}

/** @param port 0 takes a free one; listens on all interfaces, as a container's probe comes from outside */
export async function serveHealth(port: number, state: () => Health): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0]
    const health = state()
    const code = path === '/live' || path === '/' ? 200 : path === '/ready' ? (health.ready ? 200 : 503) : 404
    response.writeHead(code, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(`${JSON.stringify(code === 404 ? { error: 'try /live or /ready' } : health)}\n`)
  })
  server.headersTimeout = 5_000
  server.requestTimeout = 5_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, resolve)
  }).catch((cause: unknown) => {
    throw new CelerityError('E_USAGE', { message: `--health-port ${port} can't be used: ${reason(cause)}`, cause })
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
