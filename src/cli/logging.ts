/** Where log lines go: Celery's line format on a terminal, JSON lines otherwise, always on stderr and always at once. */

import { reason } from '../errors.js'
import { createLog, type Log, type LogFields, type LogLevel, type LogSink, type LogTwin } from '../log.js'
import { maskText } from '../mask.js'
import type { Colour, Paint } from '../terminal/colour.js'
import { safe, safeJson, safeLines } from '../terminal/safe.js'

export interface LogStream {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export interface LogOptions {
  readonly level: LogLevel
  readonly format: 'auto' | 'text' | 'json'
  readonly stream: LogStream
  readonly paint: Paint
  readonly now: () => number
  /** For a log on stderr: other threads write there too. */
  readonly twin?: LogTwin | undefined
}

export async function openLog({ level, format, stream, paint, now, twin }: LogOptions): Promise<Log> {
  return createLog(level, isJson(format, stream) ? await jsonSink(stream, now) : textSink(stream, paint, now), undefined, twin)
}

export function isJson(format: LogOptions['format'], stream: { readonly isTTY?: boolean }): boolean {
  return format === 'auto' ? stream.isTTY !== true : format === 'json'
}

const COLOURS: Readonly<Record<LogLevel, Colour | null>> = { debug: 'dim', info: null, warning: 'yellow', error: 'red', critical: 'red' }

/** `[2026-01-02 03:04:05,678: INFO/MainProcess] text key=value`, in local time, as Celery; stacks follow on lines of their own. */
export function textSink(stream: LogStream, paint: Paint, now: () => number): LogSink {
  return (level, text, fields) => {
    const head = `[${localTime(new Date(now()))}: ${level.toUpperCase()}/MainProcess] ${safe(text)}`
    const { inline, below } = written(text, fields)
    const line = maskText([head, ...inline].join(' ') + below.map((block) => `\n${safeLines(block)}`).join(''))
    const colour = COLOURS[level]
    stream.write(`${colour === null ? line : paint(colour, line)}\n`)
  }
}

/** Most lines: nothing in them that a terminal would obey. */
const PLAIN = /^[\x20-\x7e]*\n$/

/** Python's numbers, so that tools made for its logs sort ours alike. */
const NUMBERS: Readonly<Record<LogLevel, number>> = { debug: 10, info: 20, warning: 30, error: 40, critical: 50 }

async function jsonSink(stream: LogStream, now: () => number): Promise<LogSink> {
  const { pino } = await import('pino')
  const logger = pino<LogLevel>(
    {
      customLevels: NUMBERS,
      useOnlyCustomLevels: true,
      level: 'debug', // the threshold is applied before a line gets here
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: shownError, reason: shownError },
    },
    { write: (line) => void stream.write(PLAIN.test(line) ? maskText(line) : maskText(safeJson(line))) },
  )
  return (level, text, fields) => logger[level](unreserved(fields), text)
}

const RESERVED = ['level', 'time', 'pid', 'msg'] as const

/** A field may not pass for what pino writes itself: `level` becomes `level_`. */
function unreserved(fields: LogFields): LogFields {
  if (!RESERVED.some((key) => key in fields)) return fields
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [RESERVED.some((one) => one === key) ? `${key}_` : key, value]))
}

interface ShownError {
  readonly type: string
  readonly message: string
  readonly stack: string
}

const shownError = (value: unknown) => (value instanceof Error ? partsOf(value) : value)

/** What an error says of itself, whatever its own getters do: a thing thrown by a task must not bring the log down. */
function partsOf(error: Error): ShownError {
  try {
    return { type: String(error.name), message: reason(error), stack: typeof error.stack === 'string' ? error.stack : '' }
  } catch {
    return { type: 'Error', message: reason(error), stack: '' }
  }
}

/** Fields as `key=value`, but for what the text says already; what has lines of its own (an error's stack, a traceback) below. */
function written(text: string, fields: LogFields): { inline: string[]; below: string[] } {
  const inline: string[] = []
  const below: string[] = []
  const said = new Set(text.split(/[\s[\](),:]+/))
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined || (typeof value === 'string' && said.has(value))) continue
    if (value instanceof Error) {
      const { type, message, stack } = partsOf(value)
      if (!text.includes(message)) inline.push(`${key}=${quoted(`${type}: ${message}`)}`)
      const frames = stack.search(/\n\s+at /)
      if (frames >= 0) below.push(stack.slice(frames + 1))
    } else if (typeof value === 'string' && (key === 'traceback' || key === 'stack')) below.push(value.trimEnd())
    else inline.push(`${key}=${typeof value === 'string' ? quoted(value) : safe(json(rounded(value)))}`)
  }
  return { inline, below }
}

/** A runtime of 0.0006557479 s is noise. */
function rounded(value: unknown): unknown {
  if (typeof value !== 'number' || Number.isInteger(value)) return value
  return Number(Math.abs(value) < 1 ? value.toPrecision(3) : value.toFixed(3))
}

/** Bare where that is unmistakable: an id, a name, a queue. */
const quoted = (text: string) => safe(/^[\w.:/@%+-]+$/.test(text) ? text : JSON.stringify(text))

function json(value: unknown): string {
  try {
    return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? one.toString() : one)) ?? String(value)
  } catch {
    return 'an object that cannot be shown' // contains itself, or a toJSON of its own threw
  }
}

function localTime(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return `${day} ${time},${String(date.getMilliseconds()).padStart(3, '0')}`
}
