/** The keys, for the line at the bottom and for `?`. */
import type { Line } from './view.js'

export const KEYS = 'q quit  ? keys  Tab lists  j/k move  i info  t traceback  r result  c revoke  / filter  s sort'
export const TEXT_KEYS = 'Esc back  j/k scroll  i info  t traceback  r result  c revoke  C terminate'
export const HELP_KEYS = 'Esc back  j/k scroll'

const ALL: readonly (readonly [string, string])[] = [
  ['1 2 3, Tab, ← →', 'tasks, workers, queues'],
  ['j k, ↑ ↓', 'the next line, the one before'],
  ['PgDn PgUp, Space', 'a page on, a page back'],
  ['g G, Home End', 'the first line, the last; at the first, what comes in stays in sight'],
  ['i, Enter', 'all that is known of it'],
  ['t', 'its traceback'],
  ['r', 'its result'],
  ['/', 'filter: words that a line must hold; Enter keeps it, Esc takes it away'],
  ['s, < >', 'order by the next column, by the one before'],
  ['S', 'the other way round'],
  ['p', 'pause: what is shown stands still'],
  ['c', 'revoke: it does not start; asks first'],
  ['C', 'revoke and terminate: what runs is stopped as well; asks first'],
  ['l', 'rate limit of all tasks of this name, such as 10/m'],
  ['e', 'workers begin to send task events'],
  ['Ctrl-Z', 'back to the shell for a while'],
  ['q, Ctrl-C', 'leave'],
]

export const helpLines: readonly Line[] = ALL.map(([keys, what]) => ({ text: `  ${keys.padEnd(18)} ${what}`, colour: null }))
