import fc from 'fast-check'
import { CalendarDate, ClockTime, Decimal, Uuid } from '../../src/protocol/values.js'

const iso = (text: string) => text.slice(0, 10)

/** Keys that a decoder may change are not generated: `__proto__` goes, and an object of just the marker's keys is refused. */
export const wireKey = fc
  .string({ unit: 'binary' })
  .filter((name) => name !== '__proto__' && name !== '__type__' && name !== 'constructor' && name !== 'toJSON')

/** Any value that travels and comes back the same: JSON with its odd corners, and the marked Python values. */
export const wireValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, -0, 2 ** 53, -(2 ** 60), 1e300, Number.MIN_VALUE, '\ud800', '__proto__', 'NaN', '\u2028\0'),
    fc.double(),
    fc.integer(),
    fc.bigInt().filter((big) => big > BigInt(Number.MAX_SAFE_INTEGER) || big < -BigInt(Number.MAX_SAFE_INTEGER)),
    fc.string({ unit: 'binary' }),
    fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    fc.uuid().map((text) => new Uuid(text)),
    fc
      .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
      .map((date) => new CalendarDate(iso(date.toISOString()))),
    fc
      .tuple(fc.nat(23), fc.nat(59), fc.nat(59))
      .map((parts) => new ClockTime(parts.map((part) => String(part).padStart(2, '0')).join(':'))),
    fc.tuple(fc.integer(), fc.nat(99)).map(([whole, cents]) => new Decimal(`${whole}.${String(cents).padStart(2, '0')}`)),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(wireKey, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value
