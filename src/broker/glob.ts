/** Routing-key patterns of `Broker.subscribe`: `*` stands for any text, everything else for itself. */

/** Whether `text` matches `pattern`; linear in the length of both for each star, never a regular expression made from the wire. */
export function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*')
  const first = parts[0] as string
  if (parts.length === 1) return text === pattern
  const last = parts[parts.length - 1] as string
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  const end = text.length - last.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
