/** `--watch`: runs the same command in a child without it, and starts it again when a source file has changed. For development. */
import { type ChildProcess, spawn } from 'node:child_process'
import { EXIT } from '../errors.js'
import { watchSources } from './source-files.js'

/** An editor writes several times in a row. */
const SETTLE_MS = 150

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const

/**
 * @param folders where the sources are, with all folders below
 * @returns       the exit code of the last child, once a signal has ended it
 */
export async function runWatched(folders: readonly string[], say: (text: string) => void): Promise<number> {
  const watched = new WatchedProcess(say)
  let timer: NodeJS.Timeout | undefined
  const changed = (file: string) => {
    clearTimeout(timer)
    timer = setTimeout(() => watched.restart(file), SETTLE_MS)
  }
  const sources = folders.map((folder) => watchSources(folder, changed))
  const pass = (signal: NodeJS.Signals) => {
    for (const one of sources) one.close()
    clearTimeout(timer)
    watched.end(signal)
  }
  for (const signal of SIGNALS) process.on(signal, pass)
  try {
    return await watched.run()
  } finally {
    for (const signal of SIGNALS) process.off(signal, pass)
  }
}

/** One child at a time: the next one starts when the last one has ended. */
class WatchedProcess {
  readonly #say: (text: string) => void
  #child: ChildProcess | undefined
  #ending = false
  /** What changed while a child ran or was ending; null: nothing. */
  #changed: string | null = null
  #wake = () => {}

  constructor(say: (text: string) => void) {
    this.#say = say
  }

  restart(file: string): void {
    const isFirst = this.#changed === null
    this.#changed = file
    if (isFirst && this.#child !== undefined) {
      this.#say(`${file} changed: starting again when what runs has ended`)
      this.#child.kill('SIGTERM')
    }
    this.#wake()
  }

  /** Every signal is passed on: the second one means something else than the first. */
  end(signal: NodeJS.Signals): void {
    this.#ending = true
    this.#child?.kill(signal)
    this.#wake()
  }

  async run(): Promise<number> {
    for (;;) {
      const code = await this.#once()
      if (this.#ending) return code
      if (this.#changed === null) {
        this.#say(`The worker has ended with exit code ${code}: waiting for a change`)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        if (this.#ending) return code
        this.#say(`${this.#changed} changed: starting again`)
      }
      this.#changed = null
    }
  }

  #once(): Promise<number> {
    const argv = process.argv.slice(1).filter((word) => word !== '--watch')
    // A group of its own: Ctrl-C on the terminal reaches us alone, and the child once, through us; twice would end it at once.
    const child = spawn(process.execPath, [...process.execArgv, ...argv], { stdio: ['ignore', 'inherit', 'inherit'], detached: true })
    this.#child = child
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => {
        this.#child = undefined
        resolve(code ?? EXIT.terminated)
      })
    })
  }
}
