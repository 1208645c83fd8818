/** The versions of our libraries as they are installed, for `tasks report`. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** `{ ioredis: '6.0.0', … }`; null for one that is not installed. */
export function libraryVersions(root: string): Readonly<Record<string, string | null>> {
  const { dependencies = {} } = readPackage(join(root, 'package.json')) ?? {}
  const { resolve } = createRequire(join(root, 'package.json'))
  return Object.fromEntries(
    Object.keys(dependencies).map((name) => {
      // Not by resolving `name/package.json`, which most packages do not export.
      const folders = resolve.paths(name) ?? []
      const found = folders.map((folder) => readPackage(join(folder, name, 'package.json'))).find((one) => one !== null)
      return [name, found?.version ?? null]
    }),
  )
}

interface PackageFile {
  readonly version?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

function readPackage(path: string): PackageFile | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as PackageFile
  } catch {
    return null // not in this folder
  }
}
