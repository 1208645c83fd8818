/**
 * A worker in a process of its own that blocks its event loop when it is told to: by a file, since a test may not be able to tell it
 * otherwise. Arguments: broker URL, lease in ms, seconds to block. Writes `ready`, `blocked`, `turns`.
 */
import { openBroker } from '../../../src/broker/open.js'
import { KeptWorker } from './a-keeper.js'

const [url = '', leaseMs = '', seconds = ''] = process.argv.slice(2)
const broker = await openBroker(url)
const worker = await KeptWorker.open(broker, undefined, { brokerUrl: url, leaseMs: Number(leaseMs) })
worker.keeper.state({ stats: { total: { 'kuma.block': 1 }, uptime: 5 }, registered: ['kuma.block'], conf: { a: 1 } }, ['celery'])
await worker.hold(broker, ['id-0', 'id-1', 'id-2'], 1)
process.stdout.write('ready\n')
process.stdin.once('data', () => {
  process.stdout.write('blocked\n')
  setTimeout(() => {
    const end = performance.now() + Number(seconds) * 1000
    while (performance.now() < end);
    process.stdout.write(`turns ${JSON.stringify({ lost: worker.isLost, asked: worker.asked, ignored: worker.board.ignored })}\n`)
  }, 50)
})
process.stdin.once('end', () => void worker.close().finally(() => process.exit()))
