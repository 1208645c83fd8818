/** Redis's protocol (RESP 2 and 3), as far as telling where one message ends and what it begins with. */

export interface Frame {
  readonly bytes: Buffer
  /** The members of a list that are text, up to the third: a command and its first arguments. Of anything else, nothing. */
  readonly words: readonly string[]
  /** Members of a list; 1 for anything else. */
  readonly size: number
}

const LISTS = '*~>'
const MAPS = '%|'
const TEXTS = '$=!'
const MAX_WORDS = 3

/** Cuts a stream of bytes into whole messages. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)

  read(chunk: Buffer): readonly Frame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const frames: Frame[] = []
    for (;;) {
      const words: string[] = []
      const end = endOf(this.#rest, 0, words)
      if (end === null) return frames
      const bytes = this.#rest.subarray(0, end)
      const isList = LISTS.includes(String.fromCharCode(bytes[0] ?? 0))
      frames.push({ bytes, words, size: isList ? Number(bytes.toString('latin1', 1, bytes.indexOf('\r\n'))) : 1 })
      this.#rest = this.#rest.subarray(end)
    }
  }
}

/** Where the message that begins at `start` ends; null when it is not all there yet. */
function endOf(bytes: Buffer, start: number, words: string[] | null): number | null {
  const line = bytes.indexOf('\r\n', start)
  if (line < 0) return null
  const kind = String.fromCharCode(bytes[start] ?? 0)
  const count = Number(bytes.toString('latin1', start + 1, line))
  let end = line + 2
  if (TEXTS.includes(kind)) {
    if (count < 0) return end
    end += count + 2
    return end <= bytes.length ? end : null
  }
  const members = LISTS.includes(kind) ? count : MAPS.includes(kind) ? count * 2 : 0
  for (let member = 0; member < members; member++) {
    const next = endOf(bytes, end, null)
    if (next === null) return null
    if (words !== null && words.length < MAX_WORDS && bytes[end] === 0x24) words.push(textOf(bytes, end, next))
    end = next
  }
  return end
}

function textOf(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', bytes.indexOf('\r\n', start) + 2, end - 2)
}
