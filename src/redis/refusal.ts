/** What it means when a Redis server answers with an error. */

export type Refusal =
  /** It does not serve now, and changed nothing: it starts, fails over, cannot write its disk, is held by a long script, has no connection left. */
  | 'not-yet'
  /** It has no memory left for what was asked; what frees some still passes. */
  | 'full'
  /** It does not know who we are, or this user may not do what was asked. */
  | 'denied'
  /** The step itself is at fault, or a key that is of another type. */
  | 'no'

const NOT_YET = new Set(['LOADING', 'BUSY', 'MISCONF', 'READONLY', 'MASTERDOWN', 'TRYAGAIN', 'CLUSTERDOWN', 'NOREPLICAS', 'UNBLOCKED'])
const DENIED = new Set(['NOPERM', 'NOAUTH', 'WRONGPASS', 'DENIED'])

/** Replies without a word of their own. */
const NOT_YET_TEXT = /^(ERR max number of clients|.*Script killed by user)/i
const DENIED_TEXT =
  /^ERR (The user executing the script can't|unknown (redis )?command|invalid password|.*AUTH.* without any password|Client sent AUTH)/i

/** Redis 6 wraps what a script's command was answered: `ERR Error running script (call to f_…): @user_script:6: -OOM …`. */
const WRAPPED = /^ERR Error running script .*?@user_script: ?\d+: ?(?:@user_script: ?\d+: ?)?-?(.*)$/s

/** Null when it is no answer of a server: the connection broke, or was never there. */
export function refusalOf(error: unknown): Refusal | null {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return null
  const text = WRAPPED.exec(error.message)?.[1] ?? error.message
  const [code = ''] = text.split(' ', 1)
  if (NOT_YET.has(code) || NOT_YET_TEXT.test(text)) return 'not-yet'
  if (DENIED.has(code) || DENIED_TEXT.test(text)) return 'denied'
  return code === 'OOM' ? 'full' : 'no'
}

/** A transaction that was discarded tells nothing but that; why, the answers to its commands told before. */
export function discardedFor(error: unknown): unknown {
  if (!(error instanceof Error) || !error.message.startsWith('EXECABORT')) return error
  const { previousErrors } = error as Error & { readonly previousErrors?: readonly unknown[] }
  return previousErrors?.[0] ?? error
}
