/** `npm run chaos`: installs and builds what is missing, then hands over to run.ts. `npm run chaos -- --help` lists the scenarios. */
import { prepare } from '../../bin/prepare.js'

prepare()
const { register } = await import('tsx/esm/api')
register()
const { run } = await import('./run.ts')
process.exitCode = await run(process.argv.slice(2))
