import type { Process } from './process.js'

/** How a command of Celery's ended. */
export interface CeleryEnded {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** `celery -b URL …`, as often as one likes, by `python/commands.py`. */
export class CeleryCommand {
  readonly #process: Process
  readonly #url: string
  readonly #waiting = new Map<number, (ended: CeleryEnded) => void>()
  #last = 0

  constructor(process: Process, url: string) {
    this.#process = process
    this.#url = url
    process.onLine((line) => this.#hear(line))
  }

  run(...words: readonly string[]): Promise<CeleryEnded> {
    const id = ++this.#last
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#process.write(JSON.stringify({ id, words: ['-b', this.#url, '-C', ...words] }))
    })
  }

  /** What `celery inspect -j` or `celery control -j` printed, by node. */
  async json(what: 'inspect' | 'control', ...words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    const { code, stdout, stderr } = await this.run(what, '-j', ...words)
    if (code !== 0) throw new Error(`celery ${what} ${words.join(' ')} ended with ${code}:\n${stdout}${stderr}`)
    const printed = JSON.parse(stdout) as object
    return Object.assign({}, ...(Array.isArray(printed) ? printed : [printed])) // control has a list, inspect has not
  }

  #hear(line: string): void {
    if (!line.startsWith('{"id"')) return
    const { id, ...ended } = JSON.parse(line) as CeleryEnded & { readonly id: number }
    const resolve = this.#waiting.get(id)
    this.#waiting.delete(id)
    resolve?.(ended)
  }
}
