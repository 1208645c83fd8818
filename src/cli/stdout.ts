/**
 * Stdout for the data of a command alone: what the application's code prints, when it is loaded or later, goes to stderr. And what is to happen
 * when it can't be written.
 */
import { EXIT, reason } from '../errors.js'

export interface Output {
  readonly isTTY: boolean
  /** Undefined when it is no terminal. */
  readonly columns: number | undefined
  /** Bytes that were written and not yet read. */
  readonly writableLength: number
  write(text: string): unknown
}

/**
 * The way to stdout from now on; whoever writes to `process.stdout` writes to stderr. Code that writes to file descriptor 1 past Node's
 * stream is not held up.
 */
export function claimStdout({ stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'>): Output {
  const write = stdout.write.bind(stdout)
  stdout.write = stderr.write.bind(stderr)
  return {
    isTTY: stdout.isTTY === true,
    columns: stdout.columns,
    get writableLength() {
      return stdout.writableLength
    },
    write: (text) => write(text),
  }
}

/**
 * `tasks … | head`: when nobody reads on, that is the end and no error. Data that is lost is one. Takes the place of all other listeners: oclif
 * throws, where nobody catches. Whoever listens later on has an answer of its own.
 */
export function endWithOutput(process: NodeJS.Process): void {
  const { stdout } = process
  stdout.removeAllListeners('error')
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (stdout.listenerCount('error') > 1) return
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT.done)
    process.stderr.write(`Error: The output can't be written: ${reason(error)}\n`)
    process.exit(EXIT.ioError)
  })
}
