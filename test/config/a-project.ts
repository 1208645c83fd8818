/** A folder with files, for tests that look for settings; removed after the test. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface AProject {
  readonly folder: string
  readonly path: (...parts: string[]) => string
  remove(): void
}

/** `files` by path; an object as content is written as JSON. */
export function aProject(files: Readonly<Record<string, string | object>>): AProject {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'celerity-test-')))
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, typeof content === 'string' ? content : JSON.stringify(content))
  }
  return { folder, path: (...parts) => join(folder, ...parts), remove: () => rmSync(folder, { recursive: true, force: true }) }
}
