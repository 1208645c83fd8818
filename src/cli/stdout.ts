/** Stdout for the data of a command alone: what the application's code prints, when it is loaded or later, goes to stderr. */

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
