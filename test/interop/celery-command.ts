import { parseJson } from '../../src/protocol/json.js'
import type { Process } from './process.js'
import { Remote } from './remote.js'

/** How a command of Celery's ended. */
export interface CeleryEnded {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** `celery -b URL …`, as often as one likes, by `python/commands.py`. */
export class CeleryCommand extends Remote {
  readonly #url: string

  constructor(process: Process, url: string) {
    super(process)
    this.#url = url
  }

  async run(...words: readonly string[]): Promise<CeleryEnded> {
    return (await this.ask('celery', { words: ['-b', this.#url, '-C', ...words] })) as CeleryEnded
  }

  /** What `celery inspect -j` or `celery control -j` printed, by node. */
  async json(what: 'inspect' | 'control', ...words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    const { code, stdout, stderr } = await this.run(what, '-j', ...words)
    if (code !== 0) throw new Error(`celery ${what} ${words.join(' ')} ended with ${code}:\n${stdout}${stderr}`)
    const printed = parseJson(stdout) as object // Python's, which has Infinity
    return Object.assign({}, ...(Array.isArray(printed) ? printed : [printed])) // control has a list, inspect has not
  }
}
