#!/usr/bin/env node
/**
 * The command line. Scripts, prompts and people in a hurry ask for the version and the list of commands: both are answered
 * without loading anything, the list from the text that the build kept (`bin/build.js`).
 */
import { existsSync, readFileSync } from 'node:fs'
import * as module from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const given = process.argv.slice(2)
// `tasks help dead list` is what people type first; oclif's own plugin for it would load with every command.
const argv = given[0] === 'help' ? [...given.slice(1), '--help'] : given
process.exitCode = await main()

async function main() {
  const asked = argv.length === 1 ? argv[0] : ''
  if (asked === '--version') return print(`${agent()}\n`)
  if ((argv.length === 0 || asked === '--help') && columns() >= 80) {
    const help = read('../dist/help.txt')
    if (help !== null) return print(help.replace('%agent%', agent()))
  }
  if (!existsSync(new URL('../dist', import.meta.url))) {
    process.stderr.write('This clone is not built yet.\nRun `npm run build`, or `npm run tasks -- …` for the sources as they are.\n')
    return 70
  }
  module.enableCompileCache?.() // Node 22: the second start compiles nothing
  const require = module.createRequire(import.meta.url)
  // By their own paths: the package's index loads the parser, the prompts and the tables of every command too.
  const { settings } = require('@oclif/core/settings')
  // Under NODE_ENV=test or development oclif would look for TypeScript sources instead of the build.
  settings.enableAutoTranspile = false
  const { main: run } = await import('../dist/src/cli/main.js')
  await run(argv, { root: dirname(dirname(fileURLToPath(import.meta.url))) })
  return process.exitCode
}

/** As oclif words it. */
function agent() {
  const { name, version } = JSON.parse(read('../package.json'))
  return `${name}/${version} ${process.platform}-${process.arch} node-${process.version}`
}

function columns() {
  return process.stdout.isTTY ? process.stdout.columns : 80
}

function print(text) {
  process.stdout.on('error', () => {}) // `| head` has read enough
  process.stdout.write(text)
  return 0
}

function read(path) {
  try {
    return readFileSync(new URL(path, import.meta.url), 'utf8')
  } catch {
    return null // the build that is going on right now has not written it yet
  }
}
