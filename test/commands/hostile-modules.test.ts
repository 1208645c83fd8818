/** The module of an application is somebody's code: whatever it does while it is loaded, a command ends with a clear word, or does its work. */
import { expect } from 'chai'
import { aTaskProject, type TaskProject } from './a-project.js'
import type { Ended } from './run-tasks.js'

const CELERITY = new URL('../../dist/src/index.js', import.meta.url).href
const APP = `
import { Celerity } from '${CELERITY}'
const app = new Celerity('t')
app.task('t.add', async (x, y) => x + y)
export default app
`

const MODULES: Readonly<Record<string, [source: string, said: string]>> = {
  'throws.mjs': ["throw new Error('boom\\nand a second line')", 'boom'],
  'throws-nonsense.mjs': ['throw { toString() { throw 1 } }', 'an error that cannot be shown'],
  'throws-an-object.mjs': ["throw Object.assign(new Error(''), { message: { a: 1 } })", '[object Object]'],
  'throws-a-proxy.mjs': ['throw new Proxy(new Error(), { get() { throw 1 }, has() { throw 2 }, getPrototypeOf() { throw 3 } })', '1'],
  'throws-late.mjs': [
    `setTimeout(() => { throw new Error('later') }, 1); await new Promise((end) => setTimeout(end, 500))\n${APP}`,
    'later',
  ],
  'rejects.mjs': [`Promise.reject(new Error('forgotten')); await new Promise((end) => setTimeout(end, 500))\n${APP}`, 'forgotten'],
  'exits.mjs': ['process.exit(0)', 'it ended the process'],
  'exits-3.mjs': ['process.exit(3)', 'it ended the process'],
  'never-ends.mjs': ['await new Promise(() => {})', 'it ended the process'],
  'never-then.cjs': ['module.exports = { then() {} }', 'it ended the process'],
  'exports-a-proxy.mjs': ["export default new Proxy({}, { get() { throw new Error('trap') }, has() { throw new Error('trap') } })", 'trap'],
  'exports-a-getter.mjs': ["export default { get app() { throw new Error('getter') } }", 'getter'],
  'exports-null.mjs': ['export default null', 'exports no application'],
  'recurses.mjs': ['(function f() { f() })()', 'Maximum call stack size exceeded'],
}

describe('a module of tasks', function () {
  this.timeout(40_000)

  let project: TaskProject
  const files = Object.fromEntries(Object.entries(MODULES).map(([file, [source]]) => [file, source]))
  before(() => {
    project = aTaskProject({}, { ...files, ...PRINTING })
  })
  after(() => project?.remove())

  it('that throws, exits, never ends or exports traps ends a worker with exit code 2 and one line, before it takes a message', async () => {
    await project.client.send('t.add', [1, 2])
    const names = Object.keys(MODULES)

    const ends = await inTurn(names, (file) => project.tasks(['worker', '--once', '-A', file]))

    for (const [at, file] of names.entries()) {
      expect(ends[at], file).include({ code: 2, stdout: '' })
      expect(ends[at]!.stderr, file)
        .match(/^Error: .+\nHint: {2}.+\n$/)
        .contain(file)
        .contain(MODULES[file]![1])
    }
    expect(await project.counts('celery')).include({ ready: 1, leased: 0, delayed: 0 })
    await project.tasks(['worker', '--once', '-A', 'prints.mjs'])
    expect(await project.counts('celery')).include({ ready: 0, leased: 0 })
  })

  it('that does so is one document with --json', async () => {
    const names = ['throws.mjs', 'exits.mjs', 'never-ends.mjs', 'exports-a-proxy.mjs']

    const ends = await inTurn(names, (file) => project.tasks(['list', '--json', '-A', file]))

    for (const [at, file] of names.entries()) {
      expect(ends[at], file).include({ code: 2, stderr: '' })
      const { error } = JSON.parse(ends[at]!.stdout) as { error: { code: string; message: string } }
      expect(error, file).property('code', 'E_APP_LOAD')
      expect(error.message, file).contain(MODULES[file]![1])
    }
  })

  it('that prints, when it is loaded or later, spoils no output: what it says goes to stderr', async () => {
    const lines = ['list', 'queues', 'call t.add --args [1,2]', 'config', 'report', 'dead list', 'schedule list']
    const ends = await inTurn(lines, (line) => project.tasks(`${line} --json -A prints.mjs`))
    const plain = await project.tasks('list -A prints.mjs')

    for (const [at, { stdout, stderr, code }] of ends.entries()) {
      expect(code, lines[at]).oneOf([0, 3])
      expect(() => JSON.parse(stdout), `${lines[at]}: ${stdout}`).not.throw()
      expect(stderr, lines[at]).contain('printed at import').contain('written at import')
    }
    expect(plain.stdout).contain('t.add').not.contain('at import')
  })

  it('may print what it likes to the stdout of a worker, which has nothing to say there', async () => {
    const { stdout, code } = await project.tasks('worker --once -A prints.mjs')

    expect(code).equal(0)
    expect(stdout).contain('printed at import')
  })

  it('that throws from a timer once it is loaded ends a command with one line too', async () => {
    const { code, stderr, stdout } = await project.tasks('queues -A throws-from-a-timer.mjs')

    expect(stderr).match(/^Error: Unexpected Error: from a timer\nHint: {2}.+\n$/)
    expect({ code, stdout }).deep.equal({ code: 70, stdout: '' })
  })

  it('that is a settings file is held to the same', async () => {
    const exits = await project.tasks('config --json --config exits.mjs')
    const prints = await project.tasks('config brokerUrl --json --config prints-settings.mjs')

    expect(exits.code).equal(2)
    expect(JSON.parse(exits.stdout)).nested.property('error.message', 'Cannot load exits.mjs: it ended the process')
    expect(() => JSON.parse(prints.stdout)).not.throw()
  })
})

const PRINTING = {
  'prints.mjs': `console.log('printed at import'); process.stdout.write('written at import\\n'); setImmediate(() => console.log('{'))\n${APP}`,
  'prints-settings.mjs': "console.log('printed'); export default { brokerUrl: 'sqlite:x.db' }",
  'throws-from-a-timer.mjs': `${APP}\napp.broker = () => new Promise(() => setTimeout(() => { throw new Error('from a timer') }, 10))`,
}

/** Few at once: each is a process. */
async function inTurn(words: readonly string[], run: (word: string) => Promise<Ended>): Promise<readonly Ended[]> {
  const ends: Ended[] = []
  for (let at = 0; at < words.length; at += 4) ends.push(...(await Promise.all(words.slice(at, at + 4).map(run))))
  return ends
}
