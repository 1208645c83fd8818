/** What a key does: pure. Keys are those of Celery's monitor (j k i t r c l), with the habits of less and htop beside them. */
import type { Key } from '../../keys.js'
import { safe } from '../../safe.js'
import { COLUMNS, sortable } from './columns.js'
import { type Intent, type Item, TABS } from './data.js'
import type { Listing } from './listing.js'
import { type DetailPart, type Open, type TopState, withList } from './state.js'

export interface Pressed {
  readonly state: TopState
  /** What is to be done, by whoever can. */
  readonly intent: Intent | null
}

/** What the keys move in. */
export interface Page {
  readonly listing: Listing
  /** Lines of the body: how far a page goes. */
  readonly height: number
  /** How far what is open can be scrolled. */
  readonly lastScroll: number
}

/** Longer than any name or rate that makes sense. */
const MOST_TYPED = 200

export function press(before: TopState, key: Key, page: Page): Pressed {
  const state = before.message === null ? before : { ...before, message: null }
  if (key === 'ctrl-c') return { state, intent: { kind: 'quit' } }
  if (key === 'ctrl-z') return { state, intent: { kind: 'suspend' } }
  const { open } = state
  switch (open.kind) {
    case 'list':
      return inList(state, key, page)
    case 'filter':
      return still(inFilter(state, open, key))
    case 'help':
      return inText(state, key, page, open)
    case 'detail':
      return onItem(state, key, open.item) ?? inText(state, key, page, open)
    case 'question':
      return /^[yY]$/.test(key)
        ? { state: { ...state, open: open.under, message: '…' }, intent: open.intent }
        : still({ ...state, open: open.under, message: 'Nothing was changed.' })
    case 'rate':
      return inRate(state, open, key)
  }
}

const still = (state: TopState): Pressed => ({ state, intent: null })
const opened = (state: TopState, open: Open): Pressed => still({ ...state, open })

function inList(state: TopState, key: Key, page: Page): Pressed {
  const { items, index } = page.listing
  const at = steps(key, index, page.height, items.length - 1)
  // The first line is "whatever comes first": what is newest stays in sight until another line is chosen.
  if (at !== null) return still(withList(state, { selected: at <= 0 ? null : (items[at]?.key ?? null), index: Math.max(0, at) }))
  const tab = tabOf(state, key)
  if (tab !== null) return still({ ...state, tab })
  if (key === 'q') return { state, intent: { kind: 'quit' } }
  if (key === 'e') return { state: { ...state, message: '…' }, intent: { kind: 'events' } }
  const item = items[index]
  return (item === undefined ? null : onItem(state, key, item)) ?? still(onView(state, key))
}

/** Where a key moves to from `at`; null: it does not move. */
function steps(key: Key, at: number, height: number, last: number): number | null {
  const to = (index: number) => Math.max(0, Math.min(last, index))
  switch (key) {
    case 'j':
    case 'down':
      return to(at + 1)
    case 'k':
    case 'up':
      return to(at - 1)
    case 'pagedown':
    case 'ctrl-f':
    case 'ctrl-d':
    case ' ':
      return to(at + height)
    case 'pageup':
    case 'ctrl-b':
    case 'ctrl-u':
      return to(at - height)
    case 'g':
    case 'home':
      return to(0)
    case 'G':
    case 'end':
      return to(last)
    default:
      return null
  }
}

function tabOf({ tab }: TopState, key: Key): TopState['tab'] | null {
  const here = TABS.indexOf(tab)
  const step = key === 'tab' || key === 'right' ? 1 : key === 'shift-tab' || key === 'left' ? TABS.length - 1 : 0
  if (step > 0) return TABS[(here + step) % TABS.length]!
  return /^[1-3]$/.test(key) ? TABS[Number(key) - 1]! : null
}

/** What can be done with one line, in the list and in its detail. Null: nothing by this key. */
function onItem(state: TopState, key: Key, item: Item): Pressed | null {
  const part = partOf(key)
  if (part !== null) return opened(state, { kind: 'detail', item, part, scroll: 0 })
  if (item.tab !== 'tasks' || !/^[cCl]$/.test(key)) return null
  const { id, name, state: now, worker } = item.task
  if (key === 'l') {
    return name === null
      ? still({ ...state, message: 'The name of this task is not known.' })
      : opened(state, { kind: 'rate', name, typed: '', under: state.open })
  }
  if (ENDED.includes(now)) return still({ ...state, message: `It has ended: ${now}.` })
  const what = safe(`${name ?? 'task'} ${id}`)
  const text =
    key === 'c'
      ? `Revoke ${what}, so that it does not start?`
      : `Revoke ${what}, and stop it${worker === null ? '' : ` on ${safe(worker)}`} if it runs?`
  return opened(state, { kind: 'question', text, intent: { kind: 'revoke', id, terminate: key === 'C' }, under: state.open })
}

const ENDED = ['SUCCESS', 'FAILURE', 'REVOKED']

function partOf(key: Key): DetailPart | null {
  if (key === 'i' || key === 'enter') return 'info'
  return key === 't' ? 'traceback' : key === 'r' ? 'result' : null
}

function onView(state: TopState, key: Key): TopState {
  switch (key) {
    case '?':
    case 'h':
      return { ...state, open: { kind: 'help', scroll: 0 } }
    case '/':
      return { ...state, open: { kind: 'filter', before: state.filter } }
    case 'escape':
      return { ...state, filter: '' }
    case 's':
      return sorted(state, 1)
    case '<':
      return sorted(state, -1)
    case '>':
      return sorted(state, 1)
    case 'S':
      return withList(state, { isReversed: !state.lists[state.tab].isReversed })
    case 'p':
      return { ...state, isPaused: !state.isPaused }
    default:
      return state
  }
}

function sorted(state: TopState, step: 1 | -1): TopState {
  const columns = sortable(state.tab)
  const here = columns.indexOf(state.lists[state.tab].sort)
  const sort = columns[(here + step + columns.length) % columns.length] ?? 0
  // Where the terminal is narrow the column may not be in sight.
  return { ...withList(state, { sort }), message: `Ordered by ${COLUMNS[state.tab][sort]?.head}.` }
}

function inFilter(state: TopState, open: Extract<Open, { kind: 'filter' }>, key: Key): TopState {
  if (key === 'enter') return { ...state, open: { kind: 'list' } }
  if (key === 'escape') return { ...state, filter: open.before, open: { kind: 'list' } }
  return { ...state, filter: typed(state.filter, key) }
}

function inRate(state: TopState, open: Extract<Open, { kind: 'rate' }>, key: Key): Pressed {
  if (key === 'escape') return opened(state, open.under)
  if (key !== 'enter') return opened(state, { ...open, typed: typed(open.typed, key) })
  const rate = open.typed.trim()
  if (rate === '') return opened(state, open.under)
  return { state: { ...state, open: open.under, message: '…' }, intent: { kind: 'rate-limit', name: open.name, rate } }
}

function typed(text: string, key: Key): string {
  if (key === 'backspace') return [...text].slice(0, -1).join('')
  if (key === 'ctrl-u') return ''
  if (key === 'ctrl-w') return text.replace(/\S*\s*$/, '')
  return [...key].length === 1 && text.length < MOST_TYPED ? text + key : text
}

function inText(state: TopState, key: Key, page: Page, open: Extract<Open, { scroll: number }>): Pressed {
  const scroll = steps(key, Math.min(open.scroll, page.lastScroll), page.height, page.lastScroll)
  if (scroll !== null) return opened(state, { ...open, scroll })
  const isClosing = ['escape', 'q', 'backspace', 'left', ...(open.kind === 'help' ? ['?', 'h', 'enter'] : [])].includes(key)
  return isClosing ? opened(state, { kind: 'list' }) : still(state)
}
