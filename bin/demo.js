/** `npm run demo`: the whole main job on the embedded default, from a fresh clone: installs and builds what is missing, then `tasks demo`. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { prepare, root } from './prepare.js'

prepare()
const tasks = spawn(process.execPath, [join(root, 'bin/tasks.js'), 'demo', ...process.argv.slice(2)], { stdio: 'inherit' })
// A terminal's Ctrl-C reaches the demo by itself; a signal sent to this process alone has to be passed on.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => tasks.kill('SIGTERM'))
tasks.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
