/**
 * A terminal taken over as a whole, and given back as it was: the alternate screen, no cursor, keys one by one. Paints frames by writing
 * the lines that changed, each at its place, so that nothing flickers, nothing scrolls, and a slow line has little to carry.
 */
import { hearKeys, type Key } from './keys.js'

export interface ScreenInput extends NodeJS.ReadableStream {
  setRawMode?(on: boolean): unknown
  unref?(): unknown
  ref?(): unknown
}

export interface ScreenOutput {
  readonly columns?: number
  readonly rows?: number
  write(text: string): unknown
  on(event: 'resize', hear: () => void): unknown
  off(event: 'resize', hear: () => void): unknown
}

export interface ScreenSize {
  readonly columns: number
  readonly rows: number
}

export interface ScreenListener {
  key(key: Key): void
  /** What was painted is gone: paint again. */
  resized(): void
}

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J'
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'
/** A terminal that knows them shows what is between as one step. */
const [TOGETHER, END] = ['\x1b[?2026h', '\x1b[?2026l']

export class FullScreen {
  readonly #input: ScreenInput
  readonly #output: ScreenOutput
  readonly #listener: ScreenListener
  #painted: readonly string[] = []
  #undo: (() => void)[] = []

  constructor(input: ScreenInput, output: ScreenOutput, listener: ScreenListener) {
    this.#input = input
    this.#output = output
    this.#listener = listener
  }

  get size(): ScreenSize {
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 }
  }

  get isOpen(): boolean {
    return this.#undo.length > 0
  }

  open(): void {
    if (this.isOpen) return
    const resized = () => this.#repaint()
    this.#output.on('resize', resized)
    // However the process ends, save by SIGKILL: `exit` comes after uncaught errors as well.
    const leave = () => this.close()
    process.on('exit', leave)
    this.#undo = [() => this.#output.off('resize', resized), () => process.off('exit', leave), ...this.#hear()]
    this.#output.write(ENTER)
  }

  /** The terminal as it was before. Twice does nothing more. */
  close(): void {
    if (!this.isOpen) return
    for (const undo of this.#undo.splice(0).reverse()) undo()
    this.#painted = []
    this.#output.write(LEAVE)
  }

  /** Shows these lines from the top; they fit, and have no line breaks in them. */
  paint(lines: readonly string[]): void {
    if (!this.isOpen) return
    const { rows } = this.size
    const shown = lines.slice(0, rows)
    const changes = shown.map((line, row) => (line === this.#painted[row] ? '' : `\x1b[${row + 1};1H\x1b[2K${line}\x1b[0m`)).join('')
    const below = shown.length < this.#painted.length && shown.length < rows ? `\x1b[${shown.length + 1};1H\x1b[J` : ''
    this.#painted = shown
    if (changes !== '' || below !== '') this.#output.write(`${TOGETHER}${changes}${below}${END}`)
  }

  #repaint(): void {
    this.#painted = []
    this.#output.write('\x1b[2J')
    this.#listener.resized()
  }

  #hear(): (() => void)[] {
    const input = this.#input
    const quiet = hearKeys(input as NodeJS.ReadStream, (key) => this.#listener.key(key))
    input.setRawMode?.(true)
    input.resume()
    input.ref?.()
    return [
      () => {
        input.pause()
        input.unref?.()
      },
      () => void input.setRawMode?.(false),
      quiet,
    ]
  }
}
