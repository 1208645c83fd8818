/**
 * The bytes of padded base64; null when anything about it is damaged. Node's own decoder passes over foreign characters and missing
 * ends, so a cut or mangled body would come out as other bytes.
 */
export function decodeBase64(text: string): Buffer | null {
  if (text.length % 4 !== 0) return null
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const foreign = text.search(/[^A-Za-z0-9+/]/) // a plain search, since `^[…]*={0,2}$` backtracks on megabytes
  if (foreign !== -1 && foreign !== text.length - padding) return null
  return Buffer.from(text, 'base64')
}
