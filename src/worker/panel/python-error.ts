/** What a control method fails with. Askers get Python's repr of it, as from Celery's workers: `TypeError('…')`. */
export class PythonError extends Error {
  constructor(type: string, message: string) {
    super(message)
    this.name = type
  }

  get repr(): string {
    return `${this.name}(${reprText(this.message)})`
  }
}

/** A text as Python's `repr` writes it: in double quotes where it holds single ones only. */
export function reprText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const inner = text.replace(/[\\\p{C}\p{Zl}\p{Zp}]/gu, escaped).replaceAll(quote, `\\${quote}`)
  return `${quote}${inner}${quote}`
}

const SHORT: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16)
  return (
    SHORT[character] ??
    (code < 0x100 ? `\\x${hex.padStart(2, '0')}` : code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`)
  )
}
