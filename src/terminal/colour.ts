/** Colour, where it is wanted. It never carries meaning alone. */

const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const

export type Colour = keyof typeof CODES
/** Puts `text` in a colour, or leaves it as it is. */
export type Paint = (colour: Colour, text: string) => string

export const plain: Paint = (_, text) => text
export const coloured: Paint = (colour, text) => `\x1b[${CODES[colour][0]}m${text}\x1b[${CODES[colour][1]}m`

export interface ColourWishes {
  /** Whether the stream is a terminal. */
  readonly isTTY: boolean
  /** False for `--no-color`. */
  readonly allowed: boolean
  readonly env: Readonly<Record<string, string | undefined>>
}

/** `--no-color`, then NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE, CLICOLOR=0 and TERM=dumb; otherwise: on a terminal. */
export function paint({ isTTY, allowed, env }: ColourWishes): Paint {
  if (!allowed || (env['NO_COLOR'] ?? '') !== '') return plain
  const force = env['FORCE_COLOR'] ?? env['CLICOLOR_FORCE']
  if (force !== undefined) return force === '0' || force === 'false' ? plain : coloured
  if (env['CLICOLOR'] === '0' || env['TERM'] === 'dumb') return plain
  return isTTY ? coloured : plain
}
