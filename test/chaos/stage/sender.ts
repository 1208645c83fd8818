/** A program that sends a task every `pause` ms, one after the other, until it is told to end: what it is told of each stands in the ledger. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Celerity } from 'celerity'
import { LedgerWriter } from './ledger.js'

const [ms = '0', pause = '0'] = process.argv.slice(2)
const app = new Celerity('system')
const ledger = new LedgerWriter(process.env['SYSTEM_LEDGER'] ?? '/dev/null')
let over = false
process.once('SIGTERM', () => {
  over = true
})

for (let at = 0; !over; at++) {
  try {
    await app.send('system.sleep', [Number(ms)], { taskId: `t${at}` })
    ledger.accepted(`t${at}`)
  } catch (error) {
    ledger.failed(`t${at}`, error)
  }
  await sleep(Number(pause))
}
await app.close()
