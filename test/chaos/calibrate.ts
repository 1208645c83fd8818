/**
 * Whether the scenarios can turn red: each line of breaks.ts takes one mechanism out of a copy of the build and plays the scenario that has
 * to notice. `npx tsx test/chaos/calibrate.ts [name…]`, after `npm run build`; minutes, so it is no test. Exit 0: all were red.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { apply, BOTH, BREAKS, type Break } from './breaks.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COPIED = ['bin', 'src', 'test', 'package.json', 'tsconfig.json', 'oclif.manifest.json']
/** The build before its modules are joined: it runs as well, and can be patched. */
const COMPILED = '.cache/compiled'

/** What `npm run chaos` does, without a look at whether the build is new. */
const RUN = "process.exitCode = await (await import('./test/chaos/run.ts')).run(process.argv.slice(1))"

const wanted = process.argv.slice(2)
const played = BREAKS.filter(({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)))
const green = played.filter((one) => !turnsRed(one)).map(({ name }) => name)
if (green.length > 0) console.error(`Not noticed: ${green.join('; ')}`)
process.exitCode = green.length === 0 ? 0 : 1

/** On one of its brokers at least. */
function turnsRed({ name, patches, scenario, brokers = BOTH }: Break): boolean {
  const copy = mkdtempSync(join(tmpdir(), 'celerity-broken-'))
  try {
    for (const path of COPIED) cpSync(join(ROOT, path), join(copy, path), { recursive: true })
    cpSync(join(ROOT, COMPILED), join(copy, 'dist'), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
    for (const patch of patches) apply(join(copy, 'dist'), patch)
    return brokers.filter((broker) => isRed(copy, name, [...scenario.split(' '), '--broker', broker])).length > 0
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** @throws Error when the scenario could not be played at all */
function isRed(folder: string, name: string, args: readonly string[]): boolean {
  const options = { cwd: folder, encoding: 'utf8', env: { ...process.env, NODE_ENV: 'test' } } as const
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', RUN, ...args, '--json'],
    options,
  )
  const line = stdout.split('\n').find((text) => text.startsWith('{'))
  if (line === undefined) throw new Error(`${args.join(' ')} was not played: ${stdout}${stderr}`)
  const { broken, folder: kept } = JSON.parse(line) as { readonly broken: readonly string[]; readonly folder?: string }
  if (kept !== undefined) rmSync(kept, { recursive: true, force: true })
  console.log(`${status === 0 ? 'GREEN' : 'red  '}  ${name}: ${args.join(' ')}`)
  for (const text of broken.slice(0, 3)) console.log(`         ${text.split('\n')[0]?.slice(0, 160)}`)
  return status !== 0
}
