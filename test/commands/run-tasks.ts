/** Runs the built command line, as a user does. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../bin/tasks.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd: string
  /** In place of whatever settings this process has. */
  readonly env?: Readonly<Record<string, string>>
  /** Written to stdin, which is no terminal. */
  readonly input?: string
}

export function runTasks(line: string | readonly string[], { cwd, env = {}, input = '' }: RunOptions): Promise<Ended> {
  const words = typeof line === 'string' ? line.split(' ').filter(Boolean) : line
  const { PATH = '', HOME = cwd } = process.env
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...words], { cwd, env: { PATH, HOME, ...env }, stdio: 'pipe' })
    const written = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8')
      child[name].on('data', (text: string) => {
        written[name] += text
      })
    }
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...written }))
    child.stdin.end(input)
  })
}
