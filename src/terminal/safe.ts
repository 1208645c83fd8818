/** Text from elsewhere (task names, errors, arguments), made harmless before it reaches a terminal. */

/**
 * Controls (C0, C1, DEL), directions (bidi), what has no width or shows nothing, line separators and halves of surrogate pairs. Variation
 * selector 16 is let through: without it half of the emoji break.
 */
const UNSAFE = /(?!\ufe0f)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu
const PLAIN = /^[\x20-\x7e]*$/

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** `text` on one line, every character visible: `\n`, `\x1b`, `\u202e`, `\u{e0041}` stand for those that are not. */
export function safe(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNSAFE, escaped)
}

/** The same for text of several lines, such as a stack: its line breaks stay, and tabs become spaces. */
export function safeLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => safe(line.replaceAll('\t', '    ')))
    .join('\n')
}

/** JSON as it is printed: what a terminal would obey is written as `\uXXXX`, which means the same to every JSON parser. */
export function safeJson(json: string): string {
  return json.replace(UNSAFE, (character) => (character === '\n' ? character : unitEscapes(character)))
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!
  const hex = code.toString(16)
  if (code > 0xffff) return `\\u{${hex}}`
  return NAMED[character] ?? (code > 0xff ? `\\u${hex.padStart(4, '0')}` : `\\x${hex.padStart(2, '0')}`)
}

function unitEscapes(character: string): string {
  return Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`).join('')
}
