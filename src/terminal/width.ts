/** How many columns of a terminal text takes, and text made to fit a number of them. For text that passed `safe`. */

const PLAIN = /^[\x20-\x7e]*$/
/** Drawn over the character before. What else has no width, `safe` has written out. */
const OVER = /\p{Mn}|\p{Me}|\ufe0f/u
/** Two columns: East Asian wide and fullwidth characters, and emoji. The halfwidth forms are the exception. */
const WIDE =
  /(?![\uff61-\uffdc])[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\u3000-\u303e\u30fb\u30fc\uff01-\uff60\uffe0-\uffe6]/u

export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const character of text) width += widthOfOne(character)
  return width
}

/** Exactly `width` columns: cut with `…`, or filled with blanks on the other side of `align`. */
export function padded(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const shown = cut(text, width)
  const blanks = ' '.repeat(Math.max(0, width - widthOf(shown)))
  return align === 'left' ? shown + blanks : blanks + shown
}

/** At most `width` columns; what is cut ends with `…`. */
export function cut(text: string, width: number): string {
  if (width <= 0) return ''
  // Far longer than any terminal is wide: nobody needs to measure all of it.
  if (text.length <= width * 4 && widthOf(text) <= width) return text
  let shown = ''
  let left = width - 1
  for (const character of text) {
    left -= widthOfOne(character)
    // The second limit: any number of accents can stand on one character.
    if (left < 0 || shown.length > width * 4) break
    shown += character
  }
  return `${shown}…`
}

function widthOfOne(character: string): 0 | 1 | 2 {
  if (PLAIN.test(character)) return 1
  if (OVER.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

/** `text` in lines of at most `width` columns, at most `most` of them. */
export function wrap(text: string, width: number, most: number): readonly string[] {
  const lines = ['']
  let left = Math.max(2, width)
  for (const character of text) {
    const wide = widthOfOne(character)
    if (wide > left) {
      if (lines.length === most) return [...lines.slice(0, -1), cut(`${lines.at(-1)} `.repeat(2), width)]
      lines.push('')
      left = Math.max(2, width)
    }
    lines[lines.length - 1] += character
    left -= wide
  }
  return lines
}
