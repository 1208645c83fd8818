/**
 * Builds dist/ from src/ and commands/: the compiler, the scripts it does not copy, and oclif's manifest, without which every
 * command would be imported to print the help. The new build takes the place of the old in one rename, so that a worker started
 * meanwhile finds one or the other.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { install, root, STAMP } from './prepare.js'

const dist = join(root, 'dist')
const next = join(root, '.cache', `build-${process.pid}`)
const began = new Date()

install()
try {
  process.exitCode = compile()
  if (process.exitCode === 0) {
    copyScripts('src')
    await bundleInk()
    swap()
    await writeManifest()
    keepHelp()
    utimesSync(STAMP, began, began)
  }
} finally {
  rmSync(next, { recursive: true, force: true })
}

function compile() {
  mkdirSync(next, { recursive: true })
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const args = [tsc, '-p', 'tsconfig.build.json', '--outDir', next, '--noEmitOnError']
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1
}

/** Lua and SQL scripts are read at run time from beside the adapter that uses them. */
function copyScripts(folder) {
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(lua|sql)$/.test(entry.name)) continue
    const from = join(entry.parentPath, entry.name)
    const to = join(next, from.slice(root.length + 1))
    mkdirSync(dirname(to), { recursive: true })
    copyFileSync(from, to)
  }
}

/**
 * ink and react in the one file that imports them: 0.2 s to load instead of 1, and React's production build, whatever NODE_ENV says. What
 * only their developers' tools need is left out.
 */
async function bundleInk() {
  const { build } = await import('esbuild')
  const door = join(next, 'src/terminal/views/top/mount.js')
  const nothing = join(next, 'nothing.js')
  writeFileSync(nothing, 'export default {}\n')
  await build({
    entryPoints: [door],
    outfile: door,
    allowOverwrite: true,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    minifySyntax: true,
    legalComments: 'eof',
    define: { 'process.env.NODE_ENV': '"production"' },
    alias: { 'react-devtools-core': nothing, ws: nothing },
    // Some of what is bundled calls require().
    banner: { js: "import { createRequire as requireOf } from 'node:module'\nconst require = requireOf(import.meta.url)" },
    logLevel: 'warning',
  })
  rmSync(nothing)
}

function swap() {
  const old = `${next}-old`
  try {
    renameSync(dist, old)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  renameSync(next, dist)
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
