/** The lines of the open tab: filtered, in order, with the one that is chosen. */
import { COLUMNS } from './columns.js'
import type { Item, Tab, TopData } from './data.js'
import { type TopState, withList } from './state.js'

export interface Listing {
  readonly items: readonly Item[]
  /** How many there are without the filter. */
  readonly total: number
  /** Of the chosen line; -1 where there is none. */
  readonly index: number
}

export function listingOf(state: TopState, data: TopData): Listing {
  const all = itemsOf(state.tab, data)
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean)
  const found = words.length === 0 ? all : all.filter((item) => words.every((word) => textOf(item).includes(word)))
  const { sort, isReversed, selected, index } = state.lists[state.tab]
  const items = inOrder(found, state.tab, sort, isReversed)
  if (items.length === 0) return { items, total: all.length, index: -1 }
  if (selected === null) return { items, total: all.length, index: 0 }
  const at = items.findIndex(({ key }) => key === selected)
  return { items, total: all.length, index: at >= 0 ? at : Math.min(index, items.length - 1) }
}

/**
 * The state with the chosen line as it is now, and so much of the list on the screen that it can be seen. `height` is in lines. A line that
 * has gone hands the choice to the one in its place.
 */
export function settled(state: TopState, { items, index }: Listing, height: number): TopState {
  const list = state.lists[state.tab]
  const room = Math.max(1, height)
  const at = Math.max(0, index)
  const top = Math.max(0, Math.min(list.top, at, items.length - room), at - room + 1)
  const selected = list.selected === null ? null : (items[at]?.key ?? null)
  if (top === list.top && at === list.index && selected === list.selected) return state
  return withList(state, { top, index: at, selected })
}

function itemsOf(tab: Tab, { tasks, workers, queues }: TopData): readonly Item[] {
  switch (tab) {
    case 'tasks':
      return tasks.map((task) => ({ tab, key: task.id, task }))
    case 'workers':
      return workers.map((worker) => ({ tab, key: worker.node, worker }))
    case 'queues':
      return queues.map((queue) => ({ tab, key: queue.queue, queue }))
  }
}

/** Ties in the order of their keys, so that nothing jumps. */
function inOrder(items: readonly Item[], tab: Tab, sort: number, isReversed: boolean): readonly Item[] {
  const order = COLUMNS[tab][sort]?.order
  if (order === undefined) return items
  const sign = isReversed ? -1 : 1
  const keyed = items.map((item) => ({ item, value: order(item) }))
  keyed.sort((a, b) => sign * compare(a.value, b.value) || (a.item.key < b.item.key ? -1 : 1))
  return keyed.map(({ item }) => item)
}

/** The greatest number first, the first text first. */
function compare(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return b - a || 0
  return a < b ? -1 : a > b ? 1 : 0
}

function textOf(item: Item): string {
  const parts = (() => {
    switch (item.tab) {
      case 'tasks': {
        const { id, name, state, worker, queue, args, kwargs, result, exception } = item.task
        return [id, name, state, worker, queue, args, kwargs, result, exception]
      }
      case 'workers':
        return [item.worker.node, item.worker.isAlive ? 'online' : 'offline', item.worker.software, ...item.worker.queues]
      case 'queues':
        return [item.queue.queue]
    }
  })()
  return parts.join('\n').toLowerCase()
}
