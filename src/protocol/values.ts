/**
 * Python values that JavaScript has no type for. Each holds the text as it travels, so that a round trip is exact; none computes.
 * They are immutable and print as their text.
 */
import { isCalendarDate, isClockTime } from './dates.js'

/** What a value becomes on the wire: the `__type__` of its marker (kombu 5.3 and later). */
export type WireType = 'decimal' | 'uuid' | 'date' | 'time'

// A mark, not `instanceof`: a task module loaded through another loader may hold a second copy of these classes.
const WIRE_TYPE = Symbol.for('celerity.wire-type')

abstract class WireValue {
  /** The value as Python's `str()` gives it. */
  readonly text: string

  protected constructor(text: string) {
    this.text = text
    Object.freeze(this)
  }

  abstract get [WIRE_TYPE](): WireType

  toString(): string {
    return this.text
  }

  toJSON(): string {
    return this.text
  }
}

/** `decimal.Decimal`: the digits are kept, trailing zeros too. */
export class Decimal extends WireValue {
  /** @throws RangeError when it is no decimal number (NaN and Infinity are, as in Python). */
  constructor(text: string) {
    if (!/^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|Inf(?:inity)?|s?NaN\d*)$/i.test(text)) throw invalid(text, 'decimal number')
    super(text)
  }

  get [WIRE_TYPE](): WireType {
    return 'decimal'
  }
}

/** `uuid.UUID`, in lower case with dashes. Plain strings stay strings on the wire; this is for tasks that check the type. */
export class Uuid extends WireValue {
  /** @throws RangeError when it is not 32 hexadecimal digits, dashes apart. */
  constructor(text: string) {
    const hex = text.replaceAll('-', '').toLowerCase()
    if (!/^[0-9a-f]{32}$/.test(hex)) throw invalid(text, 'UUID')
    super(`${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`)
  }

  /** 32 digits without dashes. */
  get hex(): string {
    return this.text.replaceAll('-', '')
  }

  get [WIRE_TYPE](): WireType {
    return 'uuid'
  }
}

/** `datetime.date`: `YYYY-MM-DD`. */
export class CalendarDate extends WireValue {
  /** @throws RangeError when it is no day of the calendar. */
  constructor(text: string) {
    if (!isCalendarDate(text)) throw invalid(text, 'date')
    super(text)
  }

  get [WIRE_TYPE](): WireType {
    return 'date'
  }
}

/** `datetime.time`: `HH:MM:SS[.ffffff]`, an offset allowed. */
export class ClockTime extends WireValue {
  /** @throws RangeError when it is no time of day. */
  constructor(text: string) {
    if (!isClockTime(text)) throw invalid(text, 'time of day')
    super(text)
  }

  get [WIRE_TYPE](): WireType {
    return 'time'
  }
}

/** One of the classes above, from whichever copy of this module; null otherwise. */
export function asWireValue(value: object): { readonly type: WireType; readonly text: string } | null {
  if (!(WIRE_TYPE in value)) return null
  const { [WIRE_TYPE]: type, text } = value as WireValue
  return { type, text }
}

function invalid(text: string, what: string): RangeError {
  return new RangeError(`not a ${what}: ${JSON.stringify(text.slice(0, 40))}`)
}
