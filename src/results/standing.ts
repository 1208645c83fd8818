/**
 * Whether a result may be written over the one that is stored. The adapters keep this rule in their own words: here, in SQL's transaction,
 * in redis/scripts/set.lua.
 */
import { isFinal } from '../protocol/result.js'
import { readTry } from '../protocol/try.js'

/** `stays`: the stored one does, without a word. `ended`: it does, and who writes is to know, since it is the final state of the same task. */
export type Standing = 'gives way' | 'stays' | 'ended'

/** @param stored null: nothing is, or it has expired */
export function standing(stored: { readonly state: string; readonly json: string } | null, json: string): Standing {
  if (stored === null) return 'gives way'
  const [before, now] = [readTry(stored.json), readTry(json)]
  if (before !== null && before.life === now?.life) {
    if (stored.json === json) return 'stays' // sent twice
    if (isFinal(stored.state)) return 'ended'
    if (before.number > now.number) return 'stays'
  }
  return stored.state === 'SUCCESS' ? 'stays' : 'gives way'
}
