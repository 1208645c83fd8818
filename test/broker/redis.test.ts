import { randomUUID } from 'node:crypto'
import type { Context } from 'mocha'
import { openBroker } from '../../src/broker/open.js'
import { openResults } from '../../src/results/open.js'
import { describeBroker } from '../conformance/broker.js'
import { redisUrl } from '../setup/servers.js'

let url: Promise<string> | undefined

/** One database for all of it; each scene behind a prefix of its own, with a hash tag as a cluster wants it. */
describeBroker('redis', async (context: Context) => {
  url ??= redisUrl(context)
  const server = await url
  const keyPrefix = `{${randomUUID().slice(0, 8)}}:`
  return {
    open: () => openBroker(server, { keyPrefix }),
    openResults: () => openResults(server, { keyPrefix }),
    destroy: async () => {},
  }
})
