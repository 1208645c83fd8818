/** Values that no field expects, and what is not JSON in JavaScript but is in Python. */

/** Text that stands in a JSON document as it is; see `textOf`. */
class Plain {
  constructor(readonly text: string) {}

  toJSON(): string {
    return `@plain:${this.text}@`
  }
}

export const ODD: readonly unknown[] = [
  null,
  true,
  false,
  -1,
  0,
  1,
  0.5,
  2 ** 31,
  2 ** 53 + 2,
  1e308,
  -1e308,
  new Plain('9007199254740993'),
  new Plain('1e999'),
  new Plain('NaN'),
  new Plain('-Infinity'),
  new Plain('-0'),
  new Plain('123456789012345678901234567890'),
  '',
  '0',
  'null',
  ' ',
  '\0',
  '\ud800',
  '\udfff\ud800',
  '\u202eevil\u200b',
  '\u001b[2J\r\n',
  '🎉'.repeat(20),
  '../../etc/passwd',
  '__proto__',
  'constructor',
  '2024-02-30T25:61:61',
  '0001-01-01T00:00:00+23:59',
  '9999-12-31T23:59:59.999999-10:00',
  'application/x-python-serialize',
  'x'.repeat(300),
  [],
  [[]],
  [null, null, null],
  [[], {}, {}],
  Array.from({ length: 300 }, (_, at) => at),
  {},
  { a: { b: {} } },
  { task: 'fuzz.note', args: [], kwargs: {}, options: {} },
  { __type__: 'datetime', __value__: '2024-01-01T00:00:00' },
  { __type__: 'bytes', __value__: 5 },
  { __type__: 'decimal', __value__: 'x' },
  { __type__: 'nobody', __value__: 1 },
  JSON.parse('{"__proto__": {"polluted": true}}'),
  JSON.parse('{"constructor": {"prototype": {"polluted": true}}}'),
  new Plain('{"a": 1, "a": 2}'),
  new Plain('"\\u0000\\ud83d"'),
  new Plain('{"__proto__": null, "\\u005f_proto__": {"polluted": 1}}'),
]

/** The same, too large or too deep to be drawn often. */
export const LARGE: readonly unknown[] = [
  'x'.repeat(100_000),
  'é'.repeat(200_000),
  Array.from({ length: 50_000 }, () => null),
  Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, at])),
  new Plain(`${'['.repeat(400)}${']'.repeat(400)}`),
  new Plain(`${'['.repeat(1000)}${']'.repeat(1000)}`),
  new Plain(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
  new Plain('9'.repeat(10_000)),
]

/** JSON with what `Plain` stands for. */
export function textOf(value: unknown): string {
  const text = JSON.stringify(value)
  return text.includes('"@plain:') ? text.replace(/"@plain:((?:[^@])*)@"/g, (_, plain: string) => JSON.parse(`"${plain}"`) as string) : text
}

/** A copy that may be changed. */
export function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Plain) return value
  if (Array.isArray(value)) return value.map(copyOf)
  const copy: Record<string, unknown> = {}
  for (const [key, member] of Object.entries(value)) define(copy, key, copyOf(member))
  return copy
}

/** Also for the key `__proto__`, which an assignment would not make a field of. */
export function define(owner: object, key: string, value: unknown): void {
  Object.defineProperty(owner, key, { value, enumerable: true, configurable: true, writable: true })
}
