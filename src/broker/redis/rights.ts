/** Asks, when a worker registers, whether the user of the URL may do all that a worker does: better a clear word now than a task that waits. */
import { randomUUID } from 'node:crypto'
import { CelerityError, isCelerityError } from '../../errors.js'
import { maskUrl } from '../../mask.js'
import type { PreparedWrite } from '../../prepared-write.js'
import type { RedisLink } from '../../redis/link.js'
import type { Keys } from './keys.js'
import { scripts } from './scripts.js'

/** The end of the key. */
const UUID = /[0-9a-f-]{36}$/

/**
 * @param write a result of nobody's, as they will be stored with what is settled
 * @throws      E_ACCESS_DENIED, naming what is missing as ACL SETUSER takes it
 */
export async function refuseMissingRights(link: RedisLink, keys: Keys, queues: readonly string[], write?: PreparedWrite): Promise<void> {
  const scratch = `${keys.scratch}:${randomUUID()}`
  const may = async (right: string, ...command: readonly [string, ...(string | number)[]]): Promise<string[]> => {
    try {
      await link.run((client) => client.callBuffer(...(command as [string, ...string[]])))
      return []
    } catch (error) {
      if (!isCelerityError(error)) throw error
      if (error.code === 'E_ACCESS_DENIED' && /NOPERM|unknown command/.test(error.message)) return [right]
      if (error.code === 'E_BROKER_REFUSED') return [] // allowed, and then something else was wrong
      throw error
    }
  }
  const alone = await Promise.all([
    may('+eval', 'EVAL', 'return 1', 0),
    may('+evalsha', 'EVALSHA', '0'.repeat(40), 0),
    may('+info', 'INFO', 'server'),
    // Allowed, it is an error at once: a server that has nothing else to do ends even the shortest wait only after a tenth of a second.
    may('+blmove', 'BLMOVE', scratch, scratch, 'RIGHT', 'RIGHT', '-1'),
  ])
  const missing = alone.flat()
  if (!missing.includes('+eval') && !missing.includes('+evalsha')) {
    const reached = [
      keys.registry,
      keys.queues,
      ...queues.flatMap((queue) => [
        ...keys.lists(queue),
        ...keys.suspects(queue),
        keys.delayed(queue),
        keys.delayedRaw(queue),
        keys.dead(queue),
      ]),
    ]
    const result = write?.kind === 'redis' ? [write.key, write.db, write.key.replace(UUID, '*')] : ['', 0, '']
    const args = [`${keys.scratch}:channel`, link.address.db, ...result, ...reached]
    const reply = await link.script(scripts.probe, [scratch], args)
    missing.push(...(reply as Buffer[]).map(String))
  }
  if (missing.length === 0) return
  const shown = maskUrl(link.address.url)
  throw new CelerityError('E_ACCESS_DENIED', {
    message: `${shown} does not allow what a worker needs: ${missing.join(' ')}`,
    hint: `ACL SETUSER <user> ${missing.join(' ').replaceAll(',', '')}; all that is needed: docs/redis.md.`,
  })
}
