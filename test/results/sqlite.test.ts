import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openResults } from '../../src/results/open.js'
import { describeResults } from '../conformance/results.js'

describeResults('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'celerity-results-'))
  const url = `sqlite:${join(folder, 'tasks.db')}`
  return { open: () => openResults(url), destroy: () => rm(folder, { recursive: true }) }
})
