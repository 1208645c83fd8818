import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { VERSION } from '../src/version.js'

describe('the version', () => {
  it('is that of package.json', async () => {
    const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

    expect(VERSION).to.equal(manifest.version)
  })
})
