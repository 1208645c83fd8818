/** What a fresh clone installs from. A lock file made carelessly works where it was made and nowhere else. */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'

interface Entry {
  readonly resolved?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'))
const { packages } = read('package-lock.json') as { readonly packages: Readonly<Record<string, Entry>> }

describe('the lock file', () => {
  it('belongs to package.json', () => {
    const { dependencies, devDependencies } = read('package.json') as Entry

    expect(packages['']).to.deep.include({ dependencies, devDependencies })
  })

  it('names no server to download from: each machine has its own registry', () => {
    expect(Object.keys(packages).filter((path) => packages[path]?.resolved !== undefined)).to.deep.equal([])
  })

  it('holds the packages of every platform, without which npm ci refuses a fresh clone', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !(`node_modules/${name}` in packages || `${path}/node_modules/${name}` in packages),
      ),
    )

    expect(missing).to.deep.equal([])
  })
})
