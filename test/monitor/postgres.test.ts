import pg from 'pg'
import { openSnapshots } from '../../src/monitor/open.js'
import { describeSnapshots } from '../conformance/monitor.js'
import { postgresUrl } from '../setup/servers.js'

describeSnapshots('PostgreSQL', async (context) => {
  const url = await postgresUrl(context)
  const client = new pg.Client(url)
  await client.connect()
  return {
    open: () => openSnapshots(url),
    async run(sql) {
      await client.query(sql)
    },
    remove: () => client.end(),
  }
})
