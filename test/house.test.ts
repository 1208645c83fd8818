/** The house rules of ARCHITECTURE.md that a machine can hold: who may import whom, no cycles, door signs, sizes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Which shelf a room stands on. Imports go down only, and never from one room to another of the same shelf. */
const SHELVES: Readonly<Record<string, number>> = {
  'src/errors.ts': 0,
  'src/clock.ts': 0,
  'src/log.ts': 0,
  'src/mask.ts': 0,
  'src/duration.ts': 0,
  'src/prepared-write.ts': 0,
  'src/version.ts': 0,
  'src/protocol': 1,
  'src/sqlite': 1,
  'src/redis': 1,
  'src/config': 2,
  'src/broker': 2,
  'src/results': 2,
  'src/events': 3,
  'src/control': 3,
  'src/app': 4,
  'src/worker': 5,
  'src/beat': 5,
  'src/monitor': 5,
  'src/terminal': 6,
  'src/index.ts': 7,
  'src/testing.ts': 7,
  'src/cli': 7,
  commands: 8,
}

/** Narrower than the shelf alone says: what else of the house a room may know. Types alone are free where `types` says so. */
const ONLY: Readonly<Record<string, { readonly rooms: readonly string[]; readonly types?: boolean }>> = {
  // Schedules are plain data of the protocol, shared by settings, code and stores.
  'src/config': { rooms: ['src/errors.ts', 'src/clock.ts', 'src/log.ts', 'src/mask.ts', 'src/duration.ts', 'src/protocol'] },
  'src/terminal': { rooms: ['src/errors.ts', 'src/clock.ts', 'src/log.ts', 'src/mask.ts', 'src/duration.ts'], types: true },
}

/** Adapters of one port, which know the port and not each other. */
const ADAPTERS = /^src\/(broker|results|monitor\/stores)\/(redis|amqp|sqlite|sql|postgres|memory|rpc)\//

const DRAWERS = /^(utils?|helpers?|common|misc|types|shared|lib)(\.ts|\.tsx)?$/

const MAX_LINES = 350
/** Longer on purpose, each with its reason. */
const LONG_FILES: Readonly<Record<string, string>> = { 'src/config/schema.ts': 'a table: one row a setting' }

interface Import {
  readonly from: string
  /** The file imported, from the root; never a package. */
  readonly to: string
  readonly typeOnly: boolean
}

const sources = [...files('src'), ...files('commands')].filter((path) => /\.tsx?$/.test(path))
const imports = sources.flatMap(importsOf)

describe('the house', () => {
  it('has a shelf for every room', () => {
    expect([...new Set(sources.map(roomOf))].filter((room) => !(room in SHELVES))).to.deep.equal([])
  })

  it('imports downwards only, and never from a room of the same shelf', () => {
    const upwards = imports.filter(({ from, to }) => {
      const [here, there] = [roomOf(from), roomOf(to)]
      return here !== there && shelf(here) <= shelf(there) && !(ONLY[here]?.types && typeOnlyBetween(from, to))
    })

    expect(upwards.map(show)).to.deep.equal([])
  })

  it('keeps narrow rooms narrow', () => {
    const wider = imports.filter(({ from, to, typeOnly }) => {
      const rule = ONLY[roomOf(from)]
      const free = roomOf(from) === roomOf(to) || (typeOnly && rule?.types)
      return rule !== undefined && !free && !rule.rooms.includes(roomOf(to))
    })

    expect(wider.map(show)).to.deep.equal([])
  })

  it('keeps adapters apart', () => {
    const between = imports.filter(({ from, to }) => {
      const [here, there] = [ADAPTERS.exec(from)?.[0], ADAPTERS.exec(to)?.[0]]
      return here !== undefined && there !== undefined && here !== there
    })

    expect(between.map(show)).to.deep.equal([])
  })

  it('has no import cycles', () => {
    const next = new Map<string, string[]>()
    for (const { from, to, typeOnly } of imports) if (!typeOnly) next.set(from, [...(next.get(from) ?? []), to])

    expect(cycles(next)).to.deep.equal([])
  })

  it('imports only packages that package.json names', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, Record<string, string>>
    const known = { ...manifest['dependencies'], ...manifest['peerDependencies'] }
    const named = (name: string) => name.startsWith('node:') || name in known
    const strangers = sources.flatMap((from) =>
      packagesOf(from)
        .filter((name) => !named(name))
        .map((name) => `${from} → ${name}`),
    )

    expect(strangers).to.deep.equal([])
  })

  it('has a door sign in every room', () => {
    const rooms = Object.keys(SHELVES).filter((room) => existsSync(join(root, room)) && !room.endsWith('.ts'))

    expect(rooms.filter((room) => room !== 'commands' && !existsSync(join(root, room, 'README.md')))).to.deep.equal([])
  })

  it('has no drawers', () => {
    const names = sources.flatMap((path) => path.split('/').map((part) => [part, path] as const))

    expect(names.filter(([part]) => DRAWERS.test(part)).map(([, path]) => path)).to.deep.equal([])
  })

  it('keeps files short enough to be read once', () => {
    const long = sources.filter((path) => read(path).split('\n').length > MAX_LINES && !(path in LONG_FILES))

    expect(long).to.deep.equal([])
    expect(Object.keys(LONG_FILES).filter((path) => !sources.includes(path))).to.deep.equal([])
  })

  it('silences no checker and prints nothing past the log', () => {
    const silenced = /@ts-(ignore|nocheck|expect-error)|biome-ignore lint\/suspicious\/(noExplicitAny|noConsole)/
    const printed = /\bconsole\.\w+\(/

    expect(sources.filter((path) => silenced.test(read(path)))).to.deep.equal([])
    expect(sources.filter((path) => printed.test(withoutComments(read(path))))).to.deep.equal([])
  })

  it('keeps the shelves that ARCHITECTURE.md draws', () => {
    const page = read('ARCHITECTURE.md')

    expect(Object.keys(SHELVES).filter((room) => existsSync(join(root, room)) && !page.includes(room))).to.deep.equal([])
  })
})

function files(folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function roomOf(path: string): string {
  if (path.startsWith('commands/')) return 'commands'
  return path.split('/').slice(0, 2).join('/')
}

function shelf(room: string): number {
  return SHELVES[room] ?? Number.NaN
}

function typeOnlyBetween(from: string, to: string): boolean {
  return imports.filter((one) => one.from === from && one.to === to).every(({ typeOnly }) => typeOnly)
}

function importsOf(from: string): Import[] {
  return specifiers(from)
    .filter(({ name }) => name.startsWith('.'))
    .map(({ name, typeOnly }) => ({ from, to: resolve(from, name), typeOnly }))
}

function packagesOf(from: string): string[] {
  return specifiers(from)
    .filter(({ name, typeOnly }) => !name.startsWith('.') && !typeOnly)
    .map(({ name }) => (name.startsWith('node:') ? name : name.split('/', name.startsWith('@') ? 2 : 1).join('/')))
}

function resolve(from: string, name: string): string {
  const path = join(dirname(from), name).split(sep).join('/')
  const found = [path, path.replace(/\.js$/, '.ts'), path.replace(/\.js$/, '.tsx')].find((candidate) => sources.includes(candidate))
  return found ?? path
}

/** Static, re-exported and dynamic imports. `import type` and `import { type A, type B }` leave nothing in the build. */
function specifiers(path: string): { name: string; typeOnly: boolean }[] {
  const code = withoutComments(read(path))
  const fixed = [...code.matchAll(/^(?:import|export)\s+(?:([^'";]*?)\s+from\s+)?'([^']+)'/gm)].map(([, what = '', name = '']) => ({
    name,
    typeOnly: /^type\s/.test(what) || isTypesOnly(what),
  }))
  const dynamic = [...code.matchAll(/\bimport\('([^']+)'\)(?!\.)/g)].map(([, name = '']) => ({ name, typeOnly: false }))
  return [...fixed, ...dynamic]
}

function isTypesOnly(clause: string): boolean {
  const names = /^\{(.*)\}$/s
    .exec(clause.trim())?.[1]
    ?.split(',')
    .map((name) => name.trim())
  return names?.filter((name) => name !== '').every((name) => name.startsWith('type ')) ?? false
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

function cycles(next: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]) => {
    const at = path.indexOf(file)
    if (at >= 0) found.push([...path.slice(at), file].map((name) => basename(name)).join(' → '))
    if (at >= 0 || done.has(file)) return
    for (const to of next.get(file) ?? []) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of next.keys()) visit(file, [])
  return found
}

function show({ from, to }: Import): string {
  return `${from} → ${to}`
}
