/** Kinds for objects: known fields (`fields`), and any name to one kind of value (`record`). */
import { celeryOnly } from './celery-only.js'
import { fine, isObject, type Kind, type Mismatch, mismatch, type Read, structured } from './kinds.js'
import { nearest, snake } from './spelling.js'

type Fields = Readonly<Record<string, Kind<unknown, unknown>>>
type Values<F extends Fields> = { readonly [K in keyof F]?: F[K] extends Kind<infer T, infer _> ? T : never }
type Given<F extends Fields> = { readonly [K in keyof F]?: F[K] extends Kind<infer _, infer G> ? G : never }

/**
 * An object with these fields, all optional; Celery's spelling (`rate_limit`) of a field is accepted, as are other names for it in
 * `aliases` (`acks_late` -> `acks`). An unknown field is refused by name.
 */
export function fields<F extends Fields>(
  expected: string,
  known: F,
  aliases: Readonly<Record<string, keyof F & string>> = {},
): Kind<Values<F>, Given<F>> {
  const names = new Map(Object.keys(known).flatMap((name) => [[name, name] as const, [snake(name), name] as const]))
  for (const [alias, name] of Object.entries(aliases)) names.set(alias, name)

  return structured(expected, (given): Read<Values<F>> => {
    if (!isObject(given)) return mismatch(expected, given)
    const values: Record<string, unknown> = {}
    for (const [key, value] of Object.entries(given)) {
      const name = names.get(key)
      if (name === undefined) return unknownField(key, Object.keys(known))
      const read = known[name]!.read(value)
      if (!read.ok) return { ...read, at: `.${key}${read.at}` }
      values[name] = read.value
    }
    return fine(Object.freeze(values) as Values<F>)
  })
}

/** An object from any name to `kind`. */
export function record<T, G>(expected: string, kind: Kind<T, G>): Kind<Readonly<Record<string, T>>, Readonly<Record<string, G>>> {
  return structured(expected, (given): Read<Readonly<Record<string, T>>> => {
    if (!isObject(given)) return mismatch(expected, given)
    const values: [string, T][] = []
    for (const [name, value] of Object.entries(given)) {
      const read = kind.read(value)
      if (!read.ok) return { ...read, at: `.${name}${read.at}` }
      values.push([name, read.value])
    }
    // `fromEntries` defines, so that a task named `__proto__` is a key like any other.
    return fine(Object.freeze(Object.fromEntries(values)))
  })
}

function unknownField(key: string, known: readonly string[]): Mismatch {
  const reason = celeryOnly(key)
  const meant = nearest(key, known)
  const why = reason === null ? (meant === null ? '' : ` (did you mean ${meant}?)`) : ` (of Celery: ${reason})`
  return { ok: false, at: `.${key}`, expected: `one of the fields ${known.join(', ')}`, got: `an unknown one${why}` }
}
