/** What is on the screen, decided: from the data, what the person chose, and the size of the terminal. Pure. */
import type { Colour } from '../../colour.js'
import type { ScreenSize } from '../../full-screen.js'
import { safe } from '../../safe.js'
import { cut, padded } from '../../width.js'
import { COLUMNS, place } from './columns.js'
import { type Item, TABS, type Tab, type TopData } from './data.js'
import { detailLines, latest } from './detail.js'
import { HELP_KEYS, helpLines, KEYS, TEXT_KEYS } from './help.js'
import { type Listing, listingOf, settled } from './listing.js'
import type { Page } from './press.js'
import type { TopState } from './state.js'

/** One line, no wider than the terminal. */
export interface Line {
  readonly text: string
  readonly colour: Colour | null
}

/** A line in pieces of their own colours; all together no wider than the terminal. */
export interface Row {
  readonly key: string
  readonly cells: readonly Line[]
  readonly isSelected: boolean
}

export interface TopView {
  readonly summary: Line
  readonly tabs: readonly { readonly text: string; readonly isOpen: boolean }[]
  /** Column heads, or the title of what is open. */
  readonly head: string
  readonly rows: readonly Row[]
  /** Lines of the body, rows or not. */
  readonly height: number
  readonly foot: Line
}

export interface Shown {
  readonly view: TopView
  /** The state, with the chosen line as it is now. */
  readonly state: TopState
  readonly page: Page
}

/** Summary, tabs, heads; keys at the bottom. */
const FRAME_LINES = 4

export function show(before: TopState, data: TopData, { columns, rows }: ScreenSize): Shown {
  const height = Math.max(1, rows - FRAME_LINES)
  const listing = listingOf(before, data)
  const state = settled(before, listing, height)
  const { head, body, lastScroll, top } = bodyOf(state, data, listing, columns, height)
  const foot = footOf(state, listing, top, height, lastScroll)
  const view: TopView = {
    summary: {
      text: cut((state.isPaused ? 'PAUSED  ' : '') + summaryText(data), columns),
      colour: data.trouble === null ? null : 'yellow',
    },
    tabs: tabsOf(state, data, columns),
    head: cut(head, columns),
    rows: body,
    height,
    foot: { ...foot, text: state.open.kind === 'filter' ? tail(foot.text, columns) : cut(foot.text, columns) },
  }
  return { view, state, page: { listing, height, lastScroll } }
}

function bodyOf(state: TopState, data: TopData, listing: Listing, columns: number, height: number) {
  const { open } = state
  const under = open.kind === 'question' || open.kind === 'rate' ? open.under : open
  if (under.kind === 'help') return textBody('Keys', helpLines, under.scroll, columns, height)
  if (under.kind === 'detail') {
    const item = latest(under.item, data)
    return textBody(titleOf(item), detailLines(item, under.part, data, columns), under.scroll, columns, height)
  }
  return { ...listBody(state, data, listing, columns, height), lastScroll: 0 }
}

function textBody(head: string, lines: readonly Line[], scroll: number, columns: number, height: number) {
  const lastScroll = Math.max(0, lines.length - height)
  const top = Math.min(scroll, lastScroll)
  const body = lines.slice(top, top + height).map(
    ({ text, colour }, index): Row => ({
      key: String(index),
      cells: [{ text: cut(text, columns), colour }],
      isSelected: false,
    }),
  )
  return { head, body, lastScroll, top }
}

function listBody(state: TopState, { now }: TopData, { items, index }: Listing, width: number, height: number) {
  const { top, sort, isReversed } = state.lists[state.tab]
  const all = COLUMNS[state.tab]
  const placed = place(all, width)
  const heads = placed.map(({ column, width }) =>
    padded(column === all[sort] ? `${column.head}${isReversed ? '▴' : '▾'}` : column.head, width, column.align),
  )
  const body = items.slice(top, top + height).map((item, offset): Row => {
    const isSelected = top + offset === index
    const cells = placed.map(({ column, width }, at): Line => {
      const text = padded(safe(column.value(item, now)), width, column.align)
      return { text: at === 0 ? text : ` ${text}`, colour: column.colour?.(item) ?? null }
    })
    return { key: item.key, cells: [{ text: isSelected ? '> ' : '  ', colour: null }, ...cells], isSelected }
  })
  return { head: `  ${heads.join(' ')}`, body, top }
}

function titleOf(item: Item): string {
  return safe(
    item.tab === 'tasks' ? `Task ${item.task.name ?? ''} ${item.key}` : `${item.tab === 'workers' ? 'Worker' : 'Queue'} ${item.key}`,
  )
}

/** One line of it all: what is not as it should be comes first. */
export function summaryText({ tasks, workers, queues, rate, trouble }: TopData): string {
  const online = workers.filter(({ isAlive }) => isAlive).length
  const sum = (of: (queue: (typeof queues)[number]) => number) => queues.reduce((all, queue) => all + of(queue), 0)
  const states = tasks.reduce((counts, { state }) => counts.set(state, (counts.get(state) ?? 0) + 1), new Map<string, number>())
  const parts = [
    `${online} ${online === 1 ? 'worker' : 'workers'}`,
    `${states.get('STARTED') ?? 0} running`,
    `${sum(({ ready }) => ready)} waiting`,
    `${sum(({ delayed }) => delayed)} delayed`,
    `${rate.toFixed(rate < 10 ? 1 : 0)}/s`,
    `${states.get('SUCCESS') ?? 0} succeeded`,
    `${states.get('FAILURE') ?? 0} failed`,
  ]
  return (trouble === null ? '' : `${safe(trouble)}  `) + parts.join(' · ')
}

function tabsOf({ tab }: TopState, { tasks, workers, queues }: TopData, columns: number): TopView['tabs'] {
  const counts: Readonly<Record<Tab, number>> = { tasks: tasks.length, workers: workers.length, queues: queues.length }
  let left = columns
  return TABS.map((one, index) => {
    const text = cut(` ${index + 1} ${one} ${counts[one]} `, left)
    left -= text.length
    return { text, isOpen: one === tab }
  })
}

function footOf(state: TopState, { items, total, index }: Listing, top: number, height: number, lastScroll: number): Line {
  const { open, message, filter } = state
  if (open.kind === 'question') return { text: `${open.text} [y/N] `, colour: 'yellow' }
  if (open.kind === 'rate')
    return { text: `Rate limit of ${safe(open.name)}, such as 10/m (0: none): ${safe(open.typed)}▏`, colour: 'yellow' }
  if (open.kind === 'filter') return { text: `/${safe(filter)}▏`, colour: 'yellow' }
  if (message !== null) return { text: safe(message), colour: 'yellow' }
  const scrolled = lastScroll > 0 ? `${Math.min(100, Math.round((100 * top) / lastScroll))}%  ` : ''
  if (open.kind === 'help') return { text: scrolled + HELP_KEYS, colour: 'dim' }
  if (open.kind === 'detail') return { text: scrolled + TEXT_KEYS, colour: 'dim' }
  const found = filter === '' ? '' : `/${safe(filter)}: ${items.length} of ${total}  `
  const place = items.length > height ? `${index + 1}/${items.length}  ` : ''
  return { text: found + place + KEYS, colour: 'dim' }
}

/** The end of what is typed is what one looks at. */
function tail(text: string, columns: number): string {
  return text.length > columns ? `…${text.slice(text.length - columns + 1)}` : text
}
