/** Levels of nesting that are read and written unless told otherwise; Python itself gives up near 1,000. */
export const MAX_DEPTH = 512

/**
 * Whether JSON text nests deeper than `max` levels, found by one pass over the text, so that nothing is parsed that could exhaust a
 * stack. Linear: strings are jumped over, each backslash is looked at once. Text that is no JSON gives some answer and is refused later.
 */
export function nestsDeeper(text: string, max: number): boolean {
  if (text.length <= max) return false // every level takes at least one character
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === QUOTE) {
      at = endOfString(text, at)
      if (at === -1) return false
    } else if (char === OPEN_BRACKET || char === OPEN_BRACE) {
      if (++depth > max) return true
    } else if (char === CLOSE_BRACKET || char === CLOSE_BRACE) depth--
  }
  return false
}

/** The index of the quote that ends the string whose opening quote is at `start`; -1 when it has no end. */
export function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1) {
    let backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
  return -1
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
