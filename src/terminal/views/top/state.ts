/** What the person in front of it has chosen: the tab, the line, the order, the filter, what is open above the list. Immutable. */
import type { Intent, Item, Tab } from './data.js'

export interface TopState {
  readonly tab: Tab
  readonly lists: Readonly<Record<Tab, ListState>>
  /** Words, all of which a line must hold; lower case does not matter. */
  readonly filter: string
  /** The data stands still. */
  readonly isPaused: boolean
  readonly open: Open
  /** What came of the last action; until the next key. */
  readonly message: string | null
}

export interface ListState {
  /** The line that is chosen; null: the first, whichever that is. */
  readonly selected: string | null
  /** Where it was last: the line that is chosen when it has gone. */
  readonly index: number
  /** The first line on the screen. */
  readonly top: number
  /** Index of the column that it is ordered by. */
  readonly sort: number
  readonly isReversed: boolean
}

/** What takes the keys. */
export type Open =
  | { readonly kind: 'list' }
  | { readonly kind: 'help'; readonly scroll: number }
  /** Of one line; `item` is kept, for the list may forget it meanwhile. */
  | { readonly kind: 'detail'; readonly item: Item; readonly part: DetailPart; readonly scroll: number }
  | { readonly kind: 'filter'; readonly before: string }
  | { readonly kind: 'question'; readonly text: string; readonly intent: Intent; readonly under: Open }
  | { readonly kind: 'rate'; readonly name: string; readonly typed: string; readonly under: Open }

/** Where a detail opens: `i`, `t`, `r`. */
export type DetailPart = 'info' | 'traceback' | 'result'

/** Tasks by state: what runs first. Workers and queues by name. */
const LIST: ListState = { selected: null, index: 0, top: 0, sort: 0, isReversed: false }

export function initialState(tab: Tab, filter: string): TopState {
  return {
    tab,
    lists: { tasks: { ...LIST, sort: 1 }, workers: LIST, queues: LIST },
    filter,
    isPaused: false,
    open: { kind: 'list' },
    message: null,
  }
}

export function withList(state: TopState, change: Partial<ListState>): TopState {
  return { ...state, lists: { ...state.lists, [state.tab]: { ...state.lists[state.tab], ...change } } }
}
