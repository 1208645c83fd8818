/** The port of logging: a short fixed text, and fields. Where it goes and how it looks is the process's business (`cli/logging.ts`). */
export const LOG_LEVELS = ['debug', 'info', 'warning', 'error', 'critical'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export type LogFields = Readonly<Record<string, unknown>>

export interface Log {
  /** Whether a line of this level would be written: ask before building costly fields. */
  enabled(level: LogLevel): boolean
  debug(text: string, fields?: LogFields): void
  info(text: string, fields?: LogFields): void
  warning(text: string, fields?: LogFields): void
  error(text: string, fields?: LogFields): void
  critical(text: string, fields?: LogFields): void
  /** The same log with these fields on every line. */
  child(fields: LogFields): Log
  /** How another thread of this process writes to the same place; absent: it can't. */
  readonly twin?: LogTwin | undefined
}

/** What a thread needs to open the log of its process for itself: plain data, since nothing else gets there. */
export interface LogTwin {
  /** URL of a module that exports `openTwin(options): Promise<Log>`. */
  readonly module: string
  readonly options: unknown
}

/** What `LogTwin.module` exports. */
export interface LogTwinModule {
  openTwin(options: unknown): Promise<Log>
}

/** Where a finished line goes: level, text and fields, in one call. */
export type LogSink = (level: LogLevel, text: string, fields: LogFields) => void

const NONE: LogFields = {}

export function createLog(level: LogLevel, sink: LogSink, bound: LogFields = NONE, twin?: LogTwin): Log {
  const threshold = LOG_LEVELS.indexOf(level)
  const at = (name: LogLevel) => {
    if (LOG_LEVELS.indexOf(name) < threshold) return () => {}
    return (text: string, fields?: LogFields) =>
      sink(name, text, fields === undefined ? bound : bound === NONE ? fields : { ...bound, ...fields })
  }
  return {
    enabled: (name) => LOG_LEVELS.indexOf(name) >= threshold,
    debug: at('debug'),
    info: at('info'),
    warning: at('warning'),
    error: at('error'),
    critical: at('critical'),
    child: (fields) => createLog(level, sink, { ...bound, ...fields }, twin),
    twin,
  }
}

/** A log that says nothing: for libraries embedded in a web process until it hands one in. */
export const silentLog: Log = createLog('critical', () => {})
