/**
 * ioredis has words of its own for the console of whoever uses it: that it may not ask for INFO before it calls a connection ready, and that a
 * password was not needed. They belong in our log, or nowhere, so it never hears of what it would remark on.
 */
import type { Redis } from 'ioredis'
import { reason } from '../errors.js'

/** Of a user or a password that the server has no use for: it serves us all the same. */
const NEEDLESS = /no password is set|without any password configured for the default user|wrong number of arguments for 'auth'/

type Remark = (words: string) => void

/** @param remark is told what the server says of a password that it did not ask for */
export function quiet(client: Redis, remark: Remark): Redis {
  const { info, auth } = client as unknown as Readonly<Record<'info' | 'auth', (...args: unknown[]) => Promise<unknown>>>
  return Object.assign(client, {
    info(...args: unknown[]): Promise<unknown> {
      const [hear] = args
      // Only the ready check calls it with a function; without the right there is nothing that it could wait for.
      if (typeof hear !== 'function') return info.apply(client, args)
      return info.call(client, (error: unknown, text: unknown) => (isForbidden(error) ? hear(null, '') : hear(error, text)))
    },
    async auth(...args: unknown[]): Promise<unknown> {
      try {
        return await auth.apply(client, args)
      } catch (error) {
        if (!NEEDLESS.test(reason(error))) throw error
        remark(`the password of the URL is not asked for: ${reason(error)}`)
        return 'OK'
      }
    },
  })
}

/** A client that asks sentinels, and has not begun to (`lazyConnect`): those it makes to ask them say nothing either. */
export function quietSentinels(client: Redis, remark: Remark): Redis {
  const { connector } = client as unknown as { readonly connector: { connectToSentinel(...args: unknown[]): Redis } }
  const { connectToSentinel } = connector
  connector.connectToSentinel = (...args) => quiet(connectToSentinel.apply(connector, args), remark)
  client.connect().catch(() => {}) // whoever listens to the client hears of it
  return client
}

function isForbidden(error: unknown): boolean {
  return error instanceof Error && error.message.includes('NOPERM')
}
