/** What is read back as a result was written by whoever may write there: it is shown or called unreadable, and nothing of it is ever run. */
import { expect } from 'chai'
import { aTaskProject, type TaskProject } from './a-project.js'

const error = (fields: object) => JSON.stringify({ status: 'FAILURE', result: fields, traceback: null, children: [], task_id: 'x' })

const PAYLOADS: Readonly<Record<string, string>> = {
  garbage: '\x00\xff not json',
  empty: '',
  null: 'null',
  number: '7',
  list: '[1,2]',
  nothing: '{}',
  'wrong types': '{"status":5,"result":{},"traceback":[],"children":"x","task_id":{}}',
  prototype:
    '{"__proto__":{"polluted":1},"status":"SUCCESS","result":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}},"task_id":"x"}',
  deep: `{"status":"SUCCESS","result":${'['.repeat(50_000)}${']'.repeat(50_000)},"task_id":"x"}`,
  huge: JSON.stringify({ status: 'SUCCESS', result: 'x'.repeat(4_000_000), task_id: 'x' }),
  "another task's": JSON.stringify({ status: 'SUCCESS', result: 1, task_id: 'somebody-else', traceback: null, children: [] }),
  exec: error({ exc_type: 'child_process.exec', exc_module: 'child_process', exc_message: ['touch pwned'] }),
  'os.system': error({ exc_type: 'system', exc_module: 'os', exc_message: ['touch pwned'] }),
  constructor: error({ exc_type: 'constructor', exc_module: '__proto__', exc_message: { length: -1 } }),
  'no names': error({ exc_type: null, exc_module: 7, exc_message: null }),
  'a traceback that is none': JSON.stringify({
    status: 'FAILURE',
    result: { exc_type: 'E', exc_message: ['x'] },
    traceback: { a: 1 },
    task_id: 'x',
  }),
  'a traceback that obeys': JSON.stringify({
    status: 'FAILURE',
    result: { exc_type: 'E', exc_message: ['x'] },
    traceback: '\x1b[2J\x9b',
    task_id: 'x',
  }),
}

describe('a result that nobody of ours wrote', function () {
  this.timeout(60_000)

  let project: TaskProject
  const ids = Object.keys(PAYLOADS)
  before(async () => {
    project = aTaskProject()
    const results = await project.client.results()
    await results.set(ids.map((id) => ({ id, state: 'SUCCESS', json: PAYLOADS[id]!, ttl: 60 })))
  })
  after(() => project?.remove())

  for (const flags of [['--json'], ['--traceback']]) {
    it(`is shown or refused in order, with ${flags.join(' ')}`, async () => {
      for (let at = 0; at < ids.length; at += 4) {
        const some = ids.slice(at, at + 4)
        const ends = await Promise.all(some.map((id) => project.tasks(['result', id, ...flags])))
        for (const [index, { code, stdout, stderr }] of ends.entries()) {
          const id = some[index]!
          expect(code, `${id}: ${stdout.slice(0, 300)}${stderr.slice(0, 300)}`).oneOf([0, 1, 3])
          expect(stderr, id).not.match(/E_INTERNAL|Unexpected|\n {4}at /)
          expect(/[\0-\x08\x0b-\x1f\x7f-\x9f]/.exec(stdout + stderr), id).equal(null)
          if (flags.includes('--json')) expect(() => JSON.parse(stdout), id).not.throw()
        }
      }
    })
  }

  it('is unreadable where it is garbage, with exit code 1', async () => {
    const { code, stdout } = await project.tasks('result garbage --json')

    expect(code).equal(1)
    expect(JSON.parse(stdout)).nested.property('error.code', 'E_RESULT_UNREADABLE')
  })
})
