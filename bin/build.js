/**
 * Builds dist/ from src/ and commands/: the compiler, the scripts it does not copy, the bundler, and oclif's manifest, without which
 * every command would be imported to print the help. The new build takes the place of the old in one rename, so that a worker started
 * meanwhile finds one or the other.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { install, root, STAMP } from './prepare.js'

const dist = join(root, 'dist')
/** The compiler's output, a file for each source, kept for whoever looks into it (test/chaos/calibrate.ts). */
const compiled = join(root, '.cache/compiled')
const plain = join(root, '.cache', `build-${process.pid}`)
const next = `${plain}-next`
const began = new Date()

install()
try {
  process.exitCode = compile()
  if (process.exitCode === 0) {
    copyScripts('src')
    const { bundle } = await import('./bundle.js') // imports what may have been installed only now
    await bundle(plain, next)
    replace(dist, next)
    replace(compiled, plain)
    await writeManifest()
    keepHelp()
    utimesSync(STAMP, began, began)
  }
} finally {
  for (const folder of [plain, next]) rmSync(folder, { recursive: true, force: true })
}

function compile() {
  mkdirSync(plain, { recursive: true })
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const args = [tsc, '-p', 'tsconfig.build.json', '--outDir', plain, '--noEmitOnError']
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1
}

/** Lua and SQL scripts are read at run time from beside the adapter that uses them. */
function copyScripts(folder) {
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(lua|sql)$/.test(entry.name)) continue
    const from = join(entry.parentPath, entry.name)
    const to = join(plain, from.slice(root.length + 1))
    mkdirSync(dirname(to), { recursive: true })
    copyFileSync(from, to)
  }
}

/** Whoever reads it meanwhile finds the old one or the new. */
function replace(folder, by) {
  const old = `${by}-old`
  try {
    renameSync(folder, old)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  renameSync(by, folder)
  rmSync(old, { recursive: true, force: true })
}

async function writeManifest() {
  const { Plugin, settings } = await import('@oclif/core')
  settings.enableAutoTranspile = false
  const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true })
  await plugin.load()
  writeFileSync(STAMP, `${JSON.stringify(plugin.manifest)}\n`)
}

/** `tasks --help` as oclif prints it, kept as text: `bin/tasks.js` answers with it in a third of the time. */
function keepHelp() {
  const { stdout, status, stderr } = spawnSync(process.execPath, [join(root, 'bin/tasks.js'), '--help'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`tasks --help failed: ${stderr}`)
  const agent = `${process.platform}-${process.arch} node-${process.version}`
  writeFileSync(join(dist, 'help.txt'), stdout.replace(new RegExp(`\\S+ ${agent.replaceAll('.', '\\.')}`), '%agent%'))
}
