/**
 * The log of a process, opened by another of its threads. A thread's own console waits for the main thread, which may be blocked just when
 * there is something to say; so its lines go to the descriptor of stderr by themselves, whole, in the same format.
 */
import { writeSync } from 'node:fs'
import { LOG_LEVELS, type Log, type LogLevel, type LogTwin } from '../log.js'
import { coloured, type Paint, plain } from '../terminal/colour.js'
import { openLog } from './logging.js'

export interface TwinOptions {
  readonly level: LogLevel
  readonly format: 'text' | 'json'
  readonly isColoured: boolean
}

const STDERR = 2
/** How often, and how long in milliseconds, whoever reads the other end is waited for: the thread has more urgent duties. */
const TRIES = 10
const PAUSE_MS = 5

/** What a thread is to be told to write where `paint` colours stderr. */
export function twinOf(level: LogLevel, format: TwinOptions['format'], paint: Paint): LogTwin {
  const options: TwinOptions = { level, format, isColoured: paint('red', ' ') !== ' ' }
  return { module: import.meta.url, options }
}

/** @param given `TwinOptions` */
export function openTwin(given: unknown): Promise<Log> {
  const { level, format, isColoured } = given as TwinOptions
  const stream = { write: (text: string) => writeWhole(STDERR, text) }
  return openLog({
    level: LOG_LEVELS.includes(level) ? level : 'info',
    format,
    stream,
    paint: isColoured ? coloured : plain,
    now: Date.now,
  })
}

/**
 * Never throws: a descriptor that is closed, or full for longer than a moment, loses the line, or its end.
 *
 * @param write `fs.writeSync`
 */
export function writeWhole(descriptor: number, text: string, write: (fd: number, bytes: Uint8Array) => number = writeSync): void {
  let left: Uint8Array = Buffer.from(text)
  for (let tries = 0; left.byteLength > 0 && tries < TRIES; ) {
    try {
      left = left.subarray(write(descriptor, left))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return
      tries++
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
    }
  }
}
