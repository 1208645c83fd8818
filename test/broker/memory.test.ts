import { randomUUID } from 'node:crypto'
import { openBroker } from '../../src/broker/open.js'
import { openResults } from '../../src/results/open.js'
import { describeBroker } from '../conformance/broker.js'

describeBroker('memory', async () => {
  const url = `memory://${randomUUID()}`
  return { open: () => openBroker(url), openResults: () => openResults(url), destroy: async () => {} }
})
