/**
 * `npm test`: complete on a fresh clone. Installs and builds what is missing, then finds (or, on Debian, installs) the real servers
 * the tests talk to, starts private ones, runs mocha, and stops everything: see test/setup/README.md. Arguments go to mocha:
 * `npm test -- test/app`, `npm test -- --grep 'a word'`.
 */
import { prepare } from '../bin/prepare.js'

prepare()
const { register } = await import('tsx/esm/api')
register()
const { run } = await import('./setup/run.ts')
process.exitCode = await run(process.argv.slice(2))
