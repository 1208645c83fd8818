/** Names by the time at which something is to be done about them, the earliest first: a binary heap. */
interface Item {
  readonly name: string
  readonly at: number
}

export class Agenda {
  /** What counts. An item of the heap that says something else was overtaken, and is passed over. */
  readonly #times = new Map<string, number>()
  #heap: Item[] = []

  /** The earliest time; null when there is nothing to do. */
  get next(): number | null {
    this.#dropOvertaken()
    return this.#heap[0]?.at ?? null
  }

  set(name: string, at: number): void {
    if (this.#times.get(name) === at) return
    this.#times.set(name, at)
    this.#push({ name, at })
    if (this.#heap.length > 2 * this.#times.size + 64) this.#rebuild()
  }

  delete(name: string): void {
    this.#times.delete(name)
  }

  clear(): void {
    this.#times.clear()
    this.#heap = []
  }

  /** Takes out up to `max` names whose time is `now` or earlier, in their order. */
  takeDue(now: number, max: number): readonly string[] {
    const names: string[] = []
    while (names.length < max) {
      const at = this.next
      if (at === null || at > now) break
      const { name } = this.#pop()
      this.#times.delete(name)
      names.push(name)
    }
    return names
  }

  #dropOvertaken(): void {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.#times.get(first.name) === first.at) return
      this.#pop()
    }
  }

  #rebuild(): void {
    // A list in order is a heap.
    this.#heap = [...this.#times].map(([name, at]) => ({ name, at })).sort((a, b) => a.at - b.at)
  }

  #push(item: Item): void {
    const heap = this.#heap
    let index = heap.push(item) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent]!
      if (above.at <= item.at) break
      heap[index] = above
      index = parent
    }
    heap[index] = item
  }

  #pop(): Item {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      if (left >= heap.length) break
      const child = left + 1 < heap.length && heap[left + 1]!.at < heap[left]!.at ? left + 1 : left
      if (heap[child]!.at >= last.at) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
    return first
  }
}
