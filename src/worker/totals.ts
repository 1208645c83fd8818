/** What a worker has done since it began, over all its sessions. */
export class Totals {
  readonly #started = new Map<string, number>()
  /** Runs that ended with an outcome. */
  processed = 0

  started(task: string): void {
    this.#started.set(task, (this.#started.get(task) ?? 0) + 1)
  }

  /** Runs that began, by task. */
  get byTask(): ReadonlyMap<string, number> {
    return this.#started
  }
}
