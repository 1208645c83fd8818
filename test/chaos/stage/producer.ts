/** A program that sends `count` tasks, each awaited, several at a time. */
import { Celerity } from 'celerity'
import { LedgerWriter } from './ledger.js'

const [count = '0', ms = '0'] = process.argv.slice(2)
const app = new Celerity('system')
const ledger = new LedgerWriter(process.env['SYSTEM_LEDGER'] ?? '/dev/null')

let next = 0
async function lane(): Promise<void> {
  for (let at = next++; at < Number(count); at = next++) {
    try {
      await app.send('system.sleep', [Number(ms)], { taskId: `t${at}` })
      ledger.accepted(`t${at}`)
    } catch (error) {
      ledger.failed(`t${at}`, error)
    }
  }
}

await Promise.all([lane(), lane(), lane(), lane()])
await app.close()
