/** Where log lines go: Celery's line format on a terminal, JSON lines otherwise, always on stderr and always at once. */

import { reason } from '../errors.js'
import { createLog, type Log, type LogFields, type LogLevel, type LogSink } from '../log.js'
import type { Colour, Paint } from '../terminal/colour.js'
import { safe, safeLines } from '../terminal/safe.js'

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
}

export async function openLog({ level, format, stream, paint, now }: LogOptions): Promise<Log> {
  const asText = format === 'auto' ? stream.isTTY === true : format === 'text'
  return createLog(level, asText ? textSink(stream, paint, now) : await jsonSink(stream, now))
}

const COLOURS: Readonly<Record<LogLevel, Colour | null>> = { debug: 'dim', info: null, warning: 'yellow', error: 'red', critical: 'red' }

/** `[2026-01-02 03:04:05,678: INFO/MainProcess] text key=value`, in local time, as Celery; stacks follow on lines of their own. */
export function textSink(stream: LogStream, paint: Paint, now: () => number): LogSink {
  return (level, text, fields) => {
    const head = `[${localTime(new Date(now()))}: ${level.toUpperCase()}/MainProcess] ${safe(text)}`
    const { inline, below } = written(text, fields)
    const line = [head, ...inline].join(' ') + below.map((block) => `\n${safeLines(block)}`).join('')
    const colour = COLOURS[level]
    stream.write(`${colour === null ? line : paint(colour, line)}\n`)
  }
}

/** Python's numbers, so that tools made for its logs sort ours alike. */
const NUMBERS: Readonly<Record<LogLevel, number>> = { debug: 10, info: 20, warning: 30, error: 40, critical: 50 }

async function jsonSink(stream: LogStream, now: () => number): Promise<LogSink> {
  const { pino } = await import('pino')
  const { err } = pino.stdSerializers
  const logger = pino<LogLevel>(
    {
      customLevels: NUMBERS,
      useOnlyCustomLevels: true,
      level: 'debug', // the threshold is applied before a line gets here
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err, error: err, reason: err },
    },
    stream,
  )
  return (level, text, fields) => logger[level](fields, text)
}

/** Fields as `key=value`, but for what the text says already; what has lines of its own (an error's stack, a traceback) below. */
function written(text: string, fields: LogFields): { inline: string[]; below: string[] } {
  const inline: string[] = []
  const below: string[] = []
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined || (typeof value === 'string' && text.includes(value))) continue
    if (value instanceof Error) {
      if (!text.includes(reason(value))) inline.push(`${key}=${quoted(`${value.name}: ${reason(value)}`)}`)
      const stack = framesOf(value)
      if (stack !== '') below.push(stack)
    } else if (typeof value === 'string' && (key === 'traceback' || key === 'stack')) below.push(value.trimEnd())
    else inline.push(`${key}=${typeof value === 'string' ? quoted(value) : safe(json(rounded(value)))}`)
  }
  return { inline, below }
}

/** A runtime of 0.0006557479 s is noise. */
const rounded = (value: unknown) => (typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(3)) : value)

/** Bare where that is unmistakable: an id, a name, a queue. */
const quoted = (text: string) => safe(/^[\w.:/@%+-]+$/.test(text) ? text : JSON.stringify(text))

function json(value: unknown): string {
  try {
    return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? one.toString() : one)) ?? String(value)
  } catch {
    return 'an object that cannot be shown' // contains itself, or a toJSON of its own threw
  }
}

function framesOf(error: Error): string {
  const stack = typeof error.stack === 'string' ? error.stack : ''
  const first = stack.search(/\n\s+at /)
  return first < 0 ? '' : stack.slice(first + 1)
}

function localTime(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return `${day} ${time},${String(date.getMilliseconds()).padStart(3, '0')}`
}
