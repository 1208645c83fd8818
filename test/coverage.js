/** The end of `npm run coverage`: fails on an empty report, which a wrong setting of c8 makes without a word. */
import { readFileSync } from 'node:fs'

const { total } = JSON.parse(readFileSync(new URL('../coverage/coverage-summary.json', import.meta.url), 'utf8'))
if (total.lines.total === 0) {
  process.stderr.write('The coverage report is empty: see .c8rc.json.\n')
  process.exitCode = 1
}
