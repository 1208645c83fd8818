/** Keys as they are pressed, from Node's `keypress` events. */
import { emitKeypressEvents, type Interface } from 'node:readline'
import type { Readable } from 'node:stream'

/** A printable character as itself; else `up`, `pagedown`, `enter`, `escape`, `tab`, `shift-tab`, `ctrl-c` … */
export type Key = string

/** What Node says of a key. */
interface Pressed {
  readonly name?: string | undefined
  readonly ctrl?: boolean | undefined
  readonly meta?: boolean | undefined
  readonly shift?: boolean | undefined
}

const NAMED: Readonly<Record<string, Key>> = { return: 'enter', space: ' ' }
const PRINTABLE = /^[^\p{Cc}\p{Cs}]$/u

/** How long an ESC may be the start of a longer sequence: one of a slow line comes in pieces. */
const ESCAPE_MS = 50

/** Null: nothing we know by name. Node's own name for such is `undefined`, in letters. */
function keyOf(text: string | undefined, { name, ctrl, meta, shift }: Pressed): Key | null {
  if (ctrl) return name === undefined ? null : `ctrl-${name}`
  if (name === 'escape') return name
  if (meta) return null
  if (name === 'tab') return shift ? 'shift-tab' : 'tab'
  if (text !== undefined && PRINTABLE.test(text)) return text
  return name === undefined || name === 'undefined' ? null : (NAMED[name] ?? name)
}

/** @returns how to stop hearing them */
export function hearKeys(input: Readable, hear: (key: Key) => void): () => void {
  emitKeypressEvents(input, { escapeCodeTimeout: ESCAPE_MS } as Interface & { escapeCodeTimeout: number })
  const heard = (text: string | undefined, pressed: Pressed) => {
    const key = keyOf(text, pressed)
    if (key !== null) hear(key)
  }
  input.on('keypress', heard)
  return () => void input.off('keypress', heard)
}
