/**
 * Where a task was sent from: `file:line` of the caller, relative to the working directory. It travels with each message so that a failure
 * in a worker leads back to the line that asked for it. It costs 3 to 4 µs a send, nearly all of it V8's walk to the one frame.
 */
import { findSourceMap } from 'node:module'
import { isAbsolute, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** More sites than a program has by hand; code that is generated over and over must not fill the memory. */
const MOST_SITES = 2_000
/** Native frames, such as Array.map, may stand between a caller and us. */
const DEPTH = 8

export class CallSites {
  readonly #cwd: string
  readonly #write: (at: string | null) => string
  readonly #known = new Map<string, Map<number, string>>()
  readonly #unknown: string
  #count = 0

  /** @param write what is made of a site, once for each: a header's text, say */
  constructor(cwd: string, write: (at: string | null) => string) {
    this.#cwd = cwd
    this.#write = write
    this.#unknown = write(null)
  }

  /**
   * @param below our own function that the caller called: frames from there inwards are ours
   * @returns     what `write` made of `src/web/pages.ts:41`, or of null when there is no such frame
   */
  of(below: CallableFunction): string {
    const frame = callerOf(below)
    return frame === undefined ? this.#unknown : this.#describe(frame)
  }

  /** Naming a line costs more than finding it, and a program has few: each is named once. */
  #describe(frame: NodeJS.CallSite): string {
    const file = frame.getFileName() as string
    const position = frame.getPosition()
    const sites = this.#known.get(file) ?? this.#remember(file)
    let site = sites.get(position)
    if (site === undefined) {
      if (++this.#count > MOST_SITES) this.#forget()
      site = this.#write(siteOf(frame, file, this.#cwd))
      sites.set(position, site)
    }
    return site
  }

  #remember(file: string): Map<number, string> {
    const sites = new Map<number, string>()
    this.#known.set(file, sites)
    return sites
  }

  #forget(): void {
    this.#known.clear()
    this.#count = 0
  }
}

/** The same for once: where a task was registered, say. */
export function callSite(below: CallableFunction): string | null {
  const frame = callerOf(below)
  return frame === undefined ? null : siteOf(frame, frame.getFileName() as string, process.cwd())
}

/** One frame is nearly always enough, and each costs. */
function callerOf(below: CallableFunction): NodeJS.CallSite | undefined {
  const [nearest] = frames(below, 1)
  return nearest === undefined || isCode(nearest) ? nearest : frames(below, DEPTH).find(isCode)
}

const structured = (_error: Error, sites: NodeJS.CallSite[]) => sites

/** V8 is told how many frames we want and that we want them unformatted: both are process-wide, hence put back at once. */
function frames(below: CallableFunction, most: number): readonly NodeJS.CallSite[] {
  const { stackTraceLimit, prepareStackTrace } = Error
  const holder: { readonly stack?: unknown } = {}
  try {
    Error.stackTraceLimit = most
    Error.prepareStackTrace = structured
    Error.captureStackTrace(holder, below)
    return Array.isArray(holder.stack) ? (holder.stack as NodeJS.CallSite[]) : []
  } catch {
    return [] // Error is frozen (hardened JavaScript): a message without its origin is still a good message
  } finally {
    restore(stackTraceLimit, prepareStackTrace)
  }
}

function restore(stackTraceLimit: number, prepareStackTrace: typeof Error.prepareStackTrace): void {
  try {
    Error.stackTraceLimit = stackTraceLimit
    Error.prepareStackTrace = prepareStackTrace
  } catch {
    // frozen: nothing was changed either
  }
}

function isCode(frame: NodeJS.CallSite): boolean {
  const file = frame.getFileName()
  return typeof file === 'string' && !file.startsWith('node:') && !frame.isNative()
}

/** The line in the source, when a source map is known (`--enable-source-maps`, tsx), else the line that runs. */
function siteOf(frame: NodeJS.CallSite, file: string, cwd: string): string | null {
  const line = frame.getLineNumber()
  if (line === null) return null
  const mapped = findSourceMap(file)?.findEntry(line - 1, (frame.getColumnNumber() ?? 1) - 1)
  if (mapped !== undefined && 'originalSource' in mapped && typeof mapped.originalLine === 'number') {
    return `${shortPath(mapped.originalSource, cwd)}:${mapped.originalLine + 1}`
  }
  return `${shortPath(file, cwd)}:${line}`
}

function shortPath(file: string, cwd: string): string {
  const path = file.startsWith('file:') ? fileURLToPath(file) : file
  const inside = relative(cwd, path)
  return (inside.startsWith('..') || isAbsolute(inside) ? path : inside).replaceAll(sep, '/')
}
