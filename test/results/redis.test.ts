import { randomUUID } from 'node:crypto'
import type { Context } from 'mocha'
import { openResults } from '../../src/results/open.js'
import { describeResults } from '../conformance/results.js'
import { redisUrl } from '../setup/servers.js'

let url: Promise<string> | undefined

describeResults('redis', async (context: Context) => {
  url ??= redisUrl(context)
  const server = await url
  const keyPrefix = randomUUID().slice(0, 8)
  return { open: () => openResults(server, { keyPrefix }), destroy: async () => {} }
})
