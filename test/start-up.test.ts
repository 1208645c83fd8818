/** What the command line loads before it has anything to do. Heavy packages are imported where they are used, inside `run()`. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'

const root = fileURLToPath(new URL('..', import.meta.url))
const tasks = join(root, 'bin/tasks.js')

/** Each costs more than the rest of the start together; the terminal views more than everything else. */
const HEAVY = ['@photostructure/sqlite', 'cosmiconfig', 'hono', 'ink', 'ioredis', 'jiti', 'kysely', 'pino', 'react', 'zod']

describe('start-up', function () {
  this.timeout(30_000)

  it('answers --version without loading a package', () => {
    const { packages, stdout } = loadedBy([tasks, '--version'])

    expect(stdout).to.match(/^celerity\/\d+\.\d+\.\d+ \S+ node-v\d+/)
    expect(packages).to.deep.equal([])
  })

  for (const args of [['--help'], [], ['help']]) {
    it(`lists the commands for «${['tasks', ...args].join(' ')}» without loading a package`, () => {
      const { packages, stdout } = loadedBy([tasks, ...args])

      expect(stdout).to.contain('COMMANDS')
      expect(packages).to.deep.equal([])
    })
  }

  it('lists the commands within 80 columns, so that the kept text is right on every wider terminal', () => {
    const { stdout } = loadedBy([tasks, '--help'])

    expect(stdout.split('\n').filter((line) => line.length > 80)).to.deep.equal([])
  })

  it('prints the help of every command without its heavy packages', () => {
    const { packages, status } = loadedBy([tasks, 'config', '--help'])

    expect(status).to.equal(0)
    expect(packages).to.include('@oclif/core')
    expect(packages.filter((name) => HEAVY.includes(name))).to.deep.equal([])
  })

  it('exports classes that bear the names they are exported by, whatever the bundler called them', async () => {
    for (const door of ['index.js', 'testing.js']) {
      const all = (await import(join(root, 'dist/src', door))) as Record<string, unknown>
      for (const [name, value] of Object.entries(all)) if (typeof value === 'function') expect(value.name).to.equal(name)
    }
  })

  it('keeps ink and react in one file, which needs no package and which no command loads before it shows a screen', () => {
    const bundle = join(root, 'dist/src/terminal/views/top/mount.js')
    const imported = [...readFileSync(bundle, 'utf8').matchAll(/^import .*?["']([^"']+)["'];?$/gm)].map(([, name = '']) => name)

    expect(imported.filter((name) => !isBuiltin(name))).to.deep.equal([])
    expect(loadedBy(['--input-type=module', '--eval', importAll()]).scripts).to.not.include(pathToFileURL(bundle).href)
  })

  it('imports heavy packages in no command before it runs', () => {
    const { packages, status } = loadedBy(['--input-type=module', '--eval', importAll()])

    expect(status).to.equal(0)
    expect(packages.filter((name) => HEAVY.includes(name))).to.deep.equal([])
  })
})

/** A script that imports every command. */
function importAll(): string {
  const commands = readdirSync(join(root, 'dist/commands'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'))
  return commands.map((name) => `await import(${JSON.stringify(join(root, 'dist/commands', name))})`).join('\n')
}

interface Loaded {
  /** Packages of which a file was loaded. */
  readonly packages: string[]
  /** All that ran, by URL. */
  readonly scripts: readonly string[]
  readonly stdout: string
  readonly status: number | null
}

/** V8's own coverage names each script that ran, however it was loaded. */
function loadedBy(args: readonly string[]): Loaded {
  const folder = mkdtempSync(join(tmpdir(), 'celerity-loaded-'))
  try {
    const { NODE_OPTIONS: _, ...env } = process.env
    const run = spawnSync(process.execPath, args, { cwd: folder, env: { ...env, NODE_V8_COVERAGE: folder }, encoding: 'utf8' })
    const urls = readdirSync(folder).flatMap((name) => scripts(readFileSync(join(folder, name), 'utf8')))
    const packages = urls.flatMap((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? [])
    return { packages: [...new Set(packages)].sort(), scripts: urls, stdout: run.stdout, status: run.status }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function scripts(report: string): string[] {
  const { result } = JSON.parse(report) as { result: readonly { url: string }[] }
  return result.map(({ url }) => url)
}
