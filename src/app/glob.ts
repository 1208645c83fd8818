/**
 * Whether all of `text` fits `pattern`: `*` is any text, `?` any one character, everything else itself. Walks both once and goes back to the
 * last `*` only, so that no pattern from a settings file can take more than length times length steps, as a RegExp could.
 */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  let star = -1
  let retry = 0
  while (t < text.length) {
    const expected = pattern[p]
    if (expected === '*') {
      star = p++
      retry = t
    } else if (expected === '?' || expected === text[t]) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++retry
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

export function isGlob(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?')
}
