/** Takes the secrets out of URLs before anyone sees them: logs, banners, errors, `tasks config`. */

const MASK = '********'

const SECRET_PARAMETER =
  /([?&](?:(?:sentinel_?)?password|passwd|pass|pwd|secret|token|auth|api_?key|access_?key|ssl_?key_?password)=)[^&#;]*/gi

/**
 * The URL with its password and secret query parameters as `********`. Works on text, not on a parsed URL: what is no valid URL (a
 * password with a raw `/` or `@`) is masked too, rather too much than too little. Several URLs joined by `;` are masked one by one.
 */
export function maskUrl(url: string): string {
  return url
    .split(/;(?=[a-z][a-z0-9+.-]*:\/\/)/i)
    .map(maskOne)
    .join(';')
}

/** Every URL in a running text, such as the message of an error from elsewhere. */
export function maskText(text: string): string {
  return text.includes('://') ? text.replace(URL_IN_TEXT, maskUrl) : text
}

/** Files are in every line of a stack, and hold no password. */
const URL_IN_TEXT = /\b(?!file:)[a-z][a-z0-9+.-]*:\/\/[^\s'"`<>]+/gi

/** `user:password@host`, `//user:password@host`: the scheme was forgotten, and the error about that must not show the rest. */
const WITHOUT_SCHEME = /^("?(?:\/\/)?(?!sqlite:|memory:)[^\s:"'/@{[]+:)[^\s"]+(?=@)/i

function maskOne(url: string): string {
  const start = url.indexOf('://')
  if (start < 0) return url.replace(WITHOUT_SCHEME, `$1${MASK}`)
  const colon = url.indexOf(':', start + 3)
  const at = colon < 0 ? -1 : endOfPassword(url, colon)
  const masked = at < 0 ? url : `${url.slice(0, colon + 1)}${MASK}${url.slice(at)}`
  return masked.replace(SECRET_PARAMETER, `$1${MASK}`)
}

/** Where the `@` after a password is that begins behind `colon`; -1: a port stands there, or there is none. */
function endOfPassword(url: string, colon: number): number {
  const isPort = /^\d+(?:[/?]|$)/.test(url.slice(colon + 1))
  // The last one there is: a password may hold `@`, `/` and `?` itself.
  const at = url.lastIndexOf('@')
  return isPort || at < colon ? -1 : at
}
