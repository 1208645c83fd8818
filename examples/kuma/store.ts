/** A folder of JSON files: it stands for Kuma's database and its memcached, and is shared by the web process and the workers. */
import { randomUUID } from 'node:crypto'
import { appendFile, copyFile, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export class Store {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** What was written last under this key; null when there is nothing. The caller knows what it wrote. */
  async read<T>(kind: string, key: string): Promise<T | null> {
    const text = await this.#text(this.#path(kind, key))
    return text === null ? null : (JSON.parse(text) as T)
  }

  /** Readers see the old value or the new one, never half of it. */
  async write(kind: string, key: string, value: unknown): Promise<void> {
    const path = this.#path(kind, key)
    const next = `${path}.${randomUUID()}`
    await mkdir(dirname(path), { recursive: true })
    await writeFile(next, JSON.stringify(value))
    await rename(next, path)
  }

  async remove(kind: string, key: string): Promise<void> {
    await rm(this.#path(kind, key), { force: true })
  }

  /** One more line; lines of several processes do not mix. */
  async append(kind: string, key: string, value: unknown): Promise<void> {
    const path = this.#path(kind, key)
    await mkdir(dirname(path), { recursive: true })
    await appendFile(path, `${JSON.stringify(value)}\n`)
  }

  async lines<T>(kind: string, key: string): Promise<readonly T[]> {
    const text = (await this.#text(this.#path(kind, key))) ?? ''
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T)
  }

  /** Replaces what is there. */
  async copy(kind: string, from: string, to: string): Promise<void> {
    await copyFile(this.#path(kind, from), this.#path(kind, to))
  }

  async keys(kind: string): Promise<readonly string[]> {
    const names = await readdir(join(this.#folder, kind)).catch(absent<string[]>([]))
    return names
      .filter((name) => name.endsWith('.json'))
      .map((name) => decodeURIComponent(name.slice(0, -'.json'.length)))
      .sort()
  }

  /**
   * memcached's `add`: true for the first who asks, false for all others until `remove`, or until `seconds` have passed (whoever held it
   * may have died). Right after that time two may both be told true; what it guards must bear that.
   */
  async add(kind: string, key: string, seconds: number): Promise<boolean> {
    const path = this.#path(kind, key)
    await mkdir(dirname(path), { recursive: true })
    if (await created(path)) return true
    const { mtimeMs } = await stat(path).catch(absent({ mtimeMs: 0 }))
    if (Date.now() - mtimeMs < seconds * 1000) return false
    await rm(path, { force: true })
    return created(path)
  }

  #path(kind: string, key: string): string {
    return join(this.#folder, kind, `${encodeURIComponent(key)}.json`)
  }

  #text(path: string): Promise<string | null> {
    return readFile(path, 'utf8').catch(absent<string | null>(null))
  }
}

async function created(path: string): Promise<boolean> {
  try {
    await (await open(path, 'wx')).close()
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

const absent =
  <T>(value: T) =>
  (error: unknown): T => {
    if (codeOf(error) === 'ENOENT') return value
    throw error
  }

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
