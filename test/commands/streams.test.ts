import { expect } from 'chai'
import { aTaskProject, type TaskProject } from './a-project.js'

describe('the streams of a command', function () {
  this.timeout(30_000)

  let project: TaskProject
  before(() => {
    project = aTaskProject()
  })
  after(() => project.remove())

  it('end quietly when nobody reads on: tasks … | head', async () => {
    const lines = [
      'config -q',
      'list',
      'completion bash',
      'config --json -q',
      'call t.add -q',
      '--help',
      'worker --help',
      'nonsense --json',
    ]

    const ends = await Promise.all(
      lines.map((line) => {
        const command = project.start(line)
        command.child.stdout!.destroy()
        return command.ended
      }),
    )

    for (const [at, { code, stderr }] of ends.entries()) {
      expect({ line: lines[at], code, stderr }).deep.equal({ line: lines[at], code: lines[at] === 'nonsense --json' ? 2 : 0, stderr: '' })
    }
  })

  it('are not read for arguments: whoever runs us in a loop keeps his lines', async () => {
    const ends = await Promise.all(['config', 'result', 'dead retry'].map((line) => project.tasks(line, { input: 'brokerUrl\n' })))

    expect(ends.map(({ code }) => code)).deep.equal([0, 2, 2])
    expect(ends[0]!.stdout.split('\n').length).greaterThan(30)
  })

  it('carry one document and nothing else with --json, errors too', async () => {
    // The others have their JSON in tests of their own.
    const lines = ['config check', 'init --dry-run', 'result nobody', 'completion zsh']
    const errors = ['dead show nothing', 'config nothing', 'list -A nowhere.mjs', 'queues --nothing', 'nothing', 'call']

    const ends = await Promise.all([...lines, ...errors].map((line) => project.tasks(`${line} --json -q`)))

    for (const [at, { stdout, stderr }] of ends.entries()) {
      expect(stderr).equal('')
      const document = JSON.parse(stdout) as { error?: { code: string; message: string; hint: string } }
      if (at >= lines.length) expect(document.error).keys('code', 'message', 'hint')
    }
  })
})
