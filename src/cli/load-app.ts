/** Loads the user's application: the module that `--app`, TASKS_APP or the setting `app` names. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { type Celerity, isCelerity } from '../app/celerity.js'
import { type Exports, importModule } from '../config/module.js'
import { nearest } from '../config/spelling.js'
import { CelerityError, isCelerityError, reason } from '../errors.js'
import { findModules } from './find-modules.js'

const EXTENSIONS = ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs']

/** Where people put it: said as a hint, never loaded unasked. */
const USUAL = ['tasks', 'src/tasks', 'app', 'src/app', 'celery', 'src/celery']

/** @throws E_APP_MISSING: nobody said which module is the application */
export function appMissing(cwd: string, file: string | null): CelerityError {
  const found = USUAL.flatMap((name) => EXTENSIONS.map((extension) => name + extension)).find((path) => existsSync(join(cwd, path)))
  const places = `--app, TASKS_APP, and \`app\` in ${file ?? 'a .taskrc or the `tasks` of a package.json (there is none)'}`
  return new CelerityError('E_APP_MISSING', {
    message: `Which module is the application? Looked for ${places}`,
    hint: found === undefined ? 'Give it with `-A path/to/tasks.ts`; `tasks init` makes a first one.' : `Is it ${found}? Then: -A ${found}`,
  })
}

/**
 * The application that the module at `path` (absolute) exports as default or `app`.
 *
 * @throws E_APP_MISSING when there is no such file, E_APP_LOAD when it cannot be loaded or exports no application
 */
export async function loadApp(path: string): Promise<Celerity> {
  const file = fileOf(path)
  const exports = await load(file)
  const app = await found(file, () => applicationIn(exports))
  if (app !== undefined) return app
  const elsewhere = await found(file, () => Object.keys(exports).find((name) => isCelerity(exports[name])))
  throw new CelerityError('E_APP_LOAD', {
    message: `${file} exports no application as default or \`app\`; it exports ${Object.keys(exports).join(', ') || 'nothing'}`,
    hint:
      elsewhere === undefined
        ? "Write `const app = new Celerity('name')` and `export default app`."
        : `\`${elsewhere}\` is one: \`export default ${elsewhere}\`, or \`export { ${elsewhere} as app }\`.`,
  })
}

/**
 * Loads the modules of the setting `imports` for the tasks they register.
 *
 * @throws E_APP_LOAD when a pattern matches nothing or a module cannot be loaded
 */
export async function loadImports(patterns: readonly string[]): Promise<void> {
  for (const pattern of patterns) {
    const files = findModules(pattern)
    if (files.length === 0) {
      throw new CelerityError('E_APP_LOAD', {
        message: `imports: ${pattern} matches no module`,
        hint: 'A worker knows only the tasks of modules that were loaded; correct the pattern, or take it out.',
      })
    }
    for (const file of files) await load(fileOf(file))
  }
}

function load(file: string): Promise<Exports> {
  return found(file, () => importModule(file))
}

function applicationIn(exports: Exports): Celerity | undefined {
  const candidates = [exports['default'], exports['app'], (exports['default'] as Exports | null | undefined)?.['app']]
  return candidates.find(isCelerity)
}

/** What `look` finds in the module; what is exported may be a proxy or a getter that throws. */
async function found<T>(file: string, look: () => T | Promise<T>): Promise<T> {
  try {
    return await look()
  } catch (error) {
    if (isCelerityError(error)) throw error
    throw new CelerityError('E_APP_LOAD', {
      message: `Cannot load ${file}: ${reason(error).split('\n')[0]}`,
      hint: 'It threw while it was loaded; --log-level debug shows where.',
      cause: error,
    })
  }
}

/** The file meant by `path`: itself, with an extension added, or the index of a folder. */
function fileOf(path: string): string {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path)) {
    throw new CelerityError('E_APP_LOAD', {
      message: `${path} is a URL; the application is a file`,
      hint: 'Code is only ever loaded from disk: give the path of a module, such as -A src/tasks.ts. A broker is named with -b.',
    })
  }
  const candidates = [
    path,
    ...EXTENSIONS.map((extension) => path + extension),
    ...EXTENSIONS.map((extension) => join(path, `index${extension}`)),
  ]
  const file = candidates.find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile())
  if (file === undefined) throw noSuchFile(path)
  if (EXTENSIONS.includes(extname(file))) return file
  throw new CelerityError('E_APP_LOAD', {
    message: `${file} is no module`,
    hint: `A module ends in one of ${EXTENSIONS.join(' ')}; a settings file is given with --config.`,
  })
}

function noSuchFile(path: string): CelerityError {
  const folder = dirname(path)
  const modules = existsSync(folder) ? readdirSync(folder).filter((name) => EXTENSIONS.includes(extname(name))) : []
  const python = /^[\w.]+(:\w+)?$/.test(basename(path)) && /[.:]/.test(basename(path)) && extname(path) !== ''
  const meant = nearest(basename(path), modules)
  return new CelerityError('E_APP_MISSING', {
    message: `There is no module ${path}`,
    hint:
      meant !== null
        ? `Did you mean ${join(folder, meant)}?`
        : python && !EXTENSIONS.includes(extname(path))
          ? 'An application is named by its file, not as a Python module: -A src/tasks.ts'
          : 'Give the path of a module whose default or `app` export is the application: -A src/tasks.ts',
  })
}
