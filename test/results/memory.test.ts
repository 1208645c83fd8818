import { randomUUID } from 'node:crypto'
import { openResults } from '../../src/results/open.js'
import { describeResults } from '../conformance/results.js'

describeResults('memory', async () => {
  const url = `memory://${randomUUID()}`
  return { open: () => openResults(url), destroy: async () => {} }
})
