/** Takes the secrets out of URLs before anyone sees them: logs, banners, errors, `tasks config`. */

export const MASK = '********'

const SECRET_PARAMETER = /([?&](?:password|passwd|pass|pwd|secret|token|auth|api_?key|access_?key|ssl_?key_?password)=)[^&#;]*/gi

/**
 * The URL with its password and secret query parameters as `********`. Works on text, not on a parsed URL: what is no valid URL (a
 * password with a raw `/` or `@`) is masked too, rather too much than too little. Several URLs joined by `;` are masked one by one.
 */
export function maskUrl(url: string): string {
  return url.split(';').map(maskOne).join(';')
}

function maskOne(url: string): string {
  const start = url.indexOf('://')
  if (start < 0) return url.replace(SECRET_PARAMETER, `$1${MASK}`)
  // The last `@` before the query ends the password, however many it holds itself.
  const query = url.indexOf('?', start)
  const head = query < 0 ? url : url.slice(0, query)
  const at = head.lastIndexOf('@')
  const colon = url.indexOf(':', start + 3)
  const masked = at > start && colon > 0 && colon < at ? `${url.slice(0, colon + 1)}${MASK}${url.slice(at)}` : url
  return masked.replace(SECRET_PARAMETER, `$1${MASK}`)
}
