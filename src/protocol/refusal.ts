/** Why a message cannot be read; short and stable (docs/errors.md). */
export const BAD_CODES = [
  'too-large',
  'too-deep',
  'malformed-envelope',
  'malformed-headers',
  'content-disallowed',
  'compression',
  'malformed-body',
] as const
export type BadCode = (typeof BAD_CODES)[number]

/** Thrown inside the decoder for a message that cannot be read, and caught at its door. */
export class Refusal extends Error {
  readonly code: BadCode

  /** @param detail a sentence that starts with the path of the field */
  constructor(code: BadCode, detail: string) {
    super(detail)
    this.code = code
  }
}
