/** What people and scripts wait for when they ask `tasks` for its version or its commands, beside the start of Node itself. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Contender, Figure } from '../figure.js'
import { quantile } from '../statistics.js'

const TASKS = fileURLToPath(new URL('../../bin/tasks.js', import.meta.url))

export const commandLine: Figure = {
  name: 'command-line',
  title: 'start of the command line',
  columns: [{ key: 'span', head: 'ms', digits: 1 }],
  goals: [{ column: 'span', to: 'node -e 0', atMost: 2.5 }],
  contenders: (_, { starts }) => [
    starting('tasks --help', [TASKS, '--help'], starts),
    starting('tasks --version', [TASKS, '--version'], starts),
    starting('node -e 0', ['-e', '0'], starts),
  ],
}

function starting(name: string, args: readonly string[], starts: number): Contender {
  return {
    name,
    async measure() {
      const spans: number[] = []
      for (let count = 0; count < starts; count++) {
        const began = performance.now()
        const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
        spans.push(performance.now() - began)
        if (status !== 0) throw new Error(`${name} failed: ${stderr}`)
      }
      return { span: quantile(spans, 0.5) }
    },
  }
}
