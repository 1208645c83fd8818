import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBroker } from '../../src/broker/open.js'
import { openResults } from '../../src/results/open.js'
import { describeBroker } from '../conformance/broker.js'

describeBroker('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'celerity-broker-'))
  const url = `sqlite:${join(folder, 'tasks.db')}`
  return { open: () => openBroker(url), openResults: () => openResults(url), destroy: () => rm(folder, { recursive: true }) }
})
