import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { QueueCounts } from '../../src/broker/broker.js'
import { Celerity, type SettingsInput } from '../../src/index.js'
import { type AProject, aProject } from '../config/a-project.js'
import { type Ended, RunningTasks, type RunOptions } from './run-tasks.js'

export interface TaskProject extends Omit<AProject, 'remove'> {
  /** Sends to its broker and looks at it, without the cost of a command. */
  readonly client: Celerity
  counts(queue: string): Promise<QueueCounts>
  /** Runs a command in it, to its end. */
  tasks(line: string | readonly string[], options?: Partial<RunOptions>): Promise<Ended>
  /** Starts one; it ends with the project. */
  start(line: string | readonly string[], options?: Partial<RunOptions>): RunningTasks
  remove(): Promise<void>
}

const APP = fileURLToPath(new URL('./fixtures/app.mjs', import.meta.url))

/** A project that uses the application of `fixtures/`, on a broker file of its own unless `settings` say otherwise. */
export function aTaskProject(settings: SettingsInput = {}, files: Readonly<Record<string, string | object>> = {}): TaskProject {
  const { remove, ...project } = aProject({ 'package.json': {}, '.taskrc': JSON.stringify({ app: APP, ...settings }), ...files })
  const client = new Celerity('test', { brokerUrl: `sqlite:${join(project.folder, '.tasks/tasks.db')}`, ...settings })
  const started: RunningTasks[] = []
  const start = (line: string | readonly string[], options: Partial<RunOptions> = {}) => {
    const command = new RunningTasks(line, { cwd: project.folder, ...options })
    started.push(command)
    return command
  }
  return {
    ...project,
    client,
    start,
    tasks: (line, options) => start(line, options).ended,
    counts: async (queue) => (await (await client.broker()).queues.counts([queue]))[0]!,
    async remove() {
      await Promise.all([client.close(), ...started.map((command) => command.stop('SIGKILL'))])
      remove()
    },
  }
}
