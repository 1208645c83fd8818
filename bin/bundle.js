/**
 * Joins the compiler's hundreds of modules into a few files: a worker begins its first task a fifth sooner, and its keeper's thread, which
 * loads while the first tasks run, takes half the CPU for it. What is imported by its path stays there, as a line that leads into `lib/`:
 * the package's own doors, the commands, and what a thread begins with. Packages stay packages, so that they can be mended without us; but
 * for oclif, ioredis in the keeper's thread, and ink in the live view (React's production build, whatever NODE_ENV says), whose start was
 * for the most part reading their files one by one.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { build } from 'esbuild'
import { root } from './prepare.js'

const PUBLIC = ['src/index.js', 'src/testing.js']
const DOORS = [...PUBLIC, 'src/cli/main.js', 'src/cli/thread-log.js']
const KEEPER = 'src/worker/keeper/keeper-thread.js'
const VIEW = 'src/terminal/views/top/mount.js'

const SHARED = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  metafile: true,
  absWorkingDir: root,
  logLevel: 'warning',
  // Some of what is bundled calls require().
  banner: { js: "import { createRequire as requireOf } from 'node:module'\nconst require = requireOf(import.meta.url)" },
}

/**
 * @param plain the compiler's output, and the scripts beside it
 * @param into  a folder that does not exist yet
 */
export async function bundle(plain, into) {
  cpSync(plain, into, { recursive: true, filter: (path) => !path.endsWith('.js') })
  const commands = readdirSync(join(plain, 'commands'), { recursive: true }).filter((path) => path.endsWith('.js'))
  const inputs = [
    ...(await joinUp(plain, into, [...DOORS, ...commands.map((path) => `commands/${path}`)], '@oclif/core')),
    ...(await joinUp(plain, into, [KEEPER], 'ioredis')),
    ...(await bundleView(plain, into)),
  ]
  writeFileSync(join(into, 'lib/LICENSES.txt'), licences(inputs))
}

/** All that `doors` import, what several of them import once, and of the packages `inside`. Returns the files that went in. */
async function joinUp(plain, into, doors, inside) {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const entryPoints = doors.map((door) => ({ in: join(plain, door), out: door.replace(/\.js$/, '').replaceAll('/', '-') }))
  const { metafile } = await build({
    ...SHARED,
    external: Object.keys({ ...dependencies, ...peerDependencies }).filter((name) => name !== inside),
    entryPoints,
    outdir: join(into, 'lib'),
    splitting: true,
    chunkNames: 'chunk-[hash]',
    plugins: [{ name: 'places', setup: (build) => keepPlaces(build, plain) }],
  })
  const exported = new Map(Object.values(metafile.outputs).map(({ entryPoint, exports }) => [entryPoint, exports]))
  for (const [index, door] of doors.entries()) {
    const names = exported.get(relative(root, join(plain, door)))
    mkdirSync(dirname(join(into, door)), { recursive: true })
    writeFileSync(join(into, door), doorText(relative(dirname(door), `lib/${entryPoints[index].out}.js`), names, PUBLIC.includes(door)))
  }
  return Object.keys(metafile.inputs)
}

/** Where the bundler had to rename a class (`_AsyncResult`), a person who prints an instance is to read the name it is exported by. */
function doorText(lib, names, isPublic) {
  if (names.length === 0) return `import '${lib}'\n`
  const text = `export { ${names.join(', ')} } from '${lib}'\n`
  if (!isPublic) return text
  const rename = "if (typeof value === 'function') Object.defineProperty(value, 'name', { value: name })"
  return `${text}import * as all from '${lib}'\nfor (const [name, value] of Object.entries(all)) ${rename}\n`
}

/** A module that asks where it is, to find a script or another module beside it, is told where it would have been. */
function keepPlaces(build, plain) {
  build.onLoad({ filter: /\.js$/ }, ({ path }) => {
    const place = relative(plain, path)
    if (place.startsWith('..')) return undefined
    const url = `new URL(${JSON.stringify(`../${place}`)}, import.meta.url).href`
    return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url), loader: 'js' }
  })
  build.onResolve({ filter: /\/mount\.js$/ }, () => ({ path: `../${VIEW}`, external: true }))
}

/** What only the developers' tools of ink and react need is left out. */
async function bundleView(plain, into) {
  const nothing = join(plain, 'nothing.js')
  writeFileSync(nothing, 'export default {}\n')
  const { metafile } = await build({
    ...SHARED,
    entryPoints: [join(plain, VIEW)],
    outfile: join(into, VIEW),
    minifySyntax: true,
    define: { 'process.env.NODE_ENV': '"production"' },
    alias: { 'react-devtools-core': nothing, ws: nothing },
  })
  rmSync(nothing)
  return Object.keys(metafile.inputs)
}

/** Of the packages that went in: their licences ask for it. */
function licences(inputs) {
  const packages = inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [])
  const texts = [...new Set(packages)].sort().map((path) => {
    const folder = join(root, path)
    const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name))
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return `${name} ${version}\n\n${file === undefined ? license : readFileSync(join(folder, file), 'utf8').trim()}\n`
  })
  return texts.join(`\n${'-'.repeat(80)}\n\n`)
}
