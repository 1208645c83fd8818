/** A file system of a few megabytes: a tmpfs, which needs root. */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export class SmallDisk {
  readonly folder: string
  readonly #filler: string

  /** @returns null where nobody lets us mount one */
  static mount(within: string, megabytes: number): SmallDisk | null {
    const folder = join(within, 'disk')
    mkdirSync(folder)
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'celerity', folder], { stdio: 'ignore' })
    return status === 0 ? new SmallDisk(folder) : null
  }

  private constructor(folder: string) {
    this.folder = folder
    this.#filler = join(folder, 'filler')
  }

  /** To the last byte. */
  fill(): void {
    const file = openSync(this.#filler, 'a')
    try {
      for (const size of [65_536, 4_096, 1]) fillBy(file, Buffer.alloc(size))
    } finally {
      closeSync(file)
    }
  }

  free(): void {
    rmSync(this.#filler, { force: true })
  }

  async close(): Promise<void> {
    // Lazily: what is still open in there ends with its process.
    spawnSync('umount', ['-l', this.folder], { stdio: 'ignore' })
  }
}

function fillBy(file: number, block: Buffer): void {
  try {
    while (writeSync(file, block) === block.length);
  } catch {
    // ENOSPC is what we want
  }
}
