/** A list of waiting messages with two ends, O(1) at both: two stacks, the front one turned over when it is empty. */
export class ReadyList<Item> implements Iterable<Item> {
  /** Popped next is last. */
  #front: Item[] = []
  #back: Item[] = []

  get size(): number {
    return this.#front.length + this.#back.length
  }
  pushFront(item: Item): void {
    this.#front.push(item)
  }
  pushBack(item: Item): void {
    this.#back.push(item)
  }
  /** Takes up to `count` from the front. */
  pop(count: number): Item[] {
    const items: Item[] = []
    while (items.length < count) {
      if (this.#front.length === 0) {
        if (this.#back.length === 0) break
        this.#front = this.#back.reverse()
        this.#back = []
      }
      items.push(this.#front.pop() as Item)
    }
    return items
  }
  *[Symbol.iterator](): Iterator<Item> {
    for (let i = this.#front.length - 1; i >= 0; i--) yield this.#front[i] as Item
    yield* this.#back
  }
}
