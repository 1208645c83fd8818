/** What `tasks init` writes into a project: decided from what is there, written without ever replacing a file. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface ScaffoldFile {
  /** Relative to the project. */
  readonly path: string
  readonly text: string
}

export interface Scaffold {
  readonly files: readonly ScaffoldFile[]
  /** The name of the first task: `kuma.add`. */
  readonly task: string
  /** What is to be added by hand, since the file is there already or is not ours. */
  readonly advice: readonly string[]
}

export interface Project {
  /** Name in package.json, if there is one. */
  readonly name: string | null
  readonly isModule: boolean
  readonly usesTypeScript: boolean
  readonly hasSrc: boolean
  /** The settings file that is found already, absolute. */
  readonly settingsFile: string | null
  readonly has: (path: string) => boolean
}

export type Language = 'ts' | 'js'

/** Looks at `folder` without changing anything. A package.json that cannot be read counts as none. */
export function lookAt(folder: string, settingsFile: string | null): Project {
  const has = (path: string) => existsSync(join(folder, path))
  const manifest = has('package.json') ? readManifest(join(folder, 'package.json')) : {}
  const packages = { ...manifest.dependencies, ...manifest.devDependencies }
  return {
    name: typeof manifest.name === 'string' ? manifest.name : null,
    isModule: manifest.type === 'module',
    usesTypeScript: has('tsconfig.json') || 'typescript' in packages,
    hasSrc: has('src'),
    settingsFile,
    has,
  }
}

/** Pure: what there should be. */
export function scaffold(project: Project, language: Language | undefined): Scaffold {
  const name = applicationName(project.name)
  const isTypeScript = language === undefined ? project.usesTypeScript : language === 'ts'
  const extension = isTypeScript ? 'ts' : project.isModule ? 'js' : 'mjs'
  const app = `${project.hasSrc ? 'src/' : ''}tasks.${extension}`
  const files = [
    { path: app, text: tasksFile(name, isTypeScript) },
    { path: '.taskrc', text: settingsText(app) },
    { path: 'Procfile', text: 'worker: npx tasks worker\n' },
  ].filter(({ path }) => path !== '.taskrc' || project.settingsFile === null)
  const advice = [
    ...(project.has('Procfile') ? ['Procfile: add the line `worker: npx tasks worker`'] : []),
    ...(project.settingsFile === null ? [] : [`${project.settingsFile}: make sure it says \`app: ${app}\``]),
    'package.json: add the script `"worker": "tasks worker"`',
    '.gitignore: add the line `.tasks/`, where the embedded broker keeps its file',
  ]
  return { files, task: `${name}.add`, advice }
}

/** Writes those that are not there yet; returns which were and which were not. */
export function writeScaffold(folder: string, files: readonly ScaffoldFile[]): { readonly created: string[]; readonly kept: string[] } {
  const created: string[] = []
  const kept: string[] = []
  for (const { path, text } of files) {
    const target = join(folder, path)
    mkdirSync(dirname(target), { recursive: true })
    try {
      writeFileSync(target, text, { flag: 'wx' })
      created.push(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      kept.push(path)
    }
  }
  return { created, kept }
}

/** A name that can start the names of tasks: `@mdn/kuma-web` is `kuma_web`. */
function applicationName(packageName: string | null): string {
  const words = (packageName ?? '').replace(/^@[^/]*\//, '').replace(/\W+/g, '_')
  return /^[a-z]/i.test(words) ? words : 'app'
}

function tasksFile(name: string, isTypeScript: boolean): string {
  const [x, y] = isTypeScript ? ['x: number', 'y: number'] : ['x', 'y']
  return `import { Celerity } from 'celerity'

const app = new Celerity('${name}')
export default app

/** A task is a plain function: \`add(2, 3)\` calls it, \`await add.delay(2, 3)\` sends it to a worker. */
export const add = app.task('${name}.add', async (${x}, ${y}) => x + y)
`
}

function settingsText(app: string): string {
  return `# Settings of \`tasks\`: \`tasks config\` shows all of them, and where each came from.
app: ${app}

# Messages and results wait in one file until there is a server for them:
# brokerUrl: redis://localhost:6379/0
`
}

interface Manifest {
  readonly name?: unknown
  readonly type?: unknown
  readonly dependencies?: Readonly<Record<string, unknown>>
  readonly devDependencies?: Readonly<Record<string, unknown>>
}

function readManifest(path: string): Manifest {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Manifest
  } catch {
    return {} // somebody else's file, and not what `init` is about
  }
}
