/** `npm run tasks -- …`: the command line from its TypeScript sources, without a build. */
import { readFileSync } from 'node:fs'
import { Plugin } from '@oclif/core/config'
import { settings } from '@oclif/core/settings'
import { register } from 'tsx/esm/api'
import { root } from './prepare.js'

register()
// oclif would look for a TypeScript with a JavaScript API, find none, and run the last build without a word.
settings.enableAutoTranspile = false
const pjson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
pjson.oclif.commands = './commands'
// Made here, since oclif makes its root plugin with the manifest of the last build, and that one knows other commands and flags.
const plugin = new Plugin({ root, pjson, isRoot: true, ignoreManifest: true })
await plugin.load()
const { main } = await import('../src/cli/main.ts')
await main(process.argv.slice(2), { root, pjson, plugins: [plugin] })
