import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { confirm } from '../../src/cli/confirm.js'
import { hoistFlags } from '../../src/cli/flags.js'

describe('flags before the command', () => {
  const cases: [given: string, understood: string][] = [
    ['-A tasks.ts worker -c 2', 'worker -c 2 -A tasks.ts'],
    ['--app=tasks.ts --json config check', 'config check --app=tasks.ts --json'],
    ['-Atasks.ts -q queues', 'queues -Atasks.ts -q'],
    ['--loglevel DEBUG worker', 'worker --loglevel DEBUG'],
    ['-C -b redis://h call x -- -1', 'call x -C -b redis://h -- -1'],
    ['worker -A tasks.ts', 'worker -A tasks.ts'],
    ['--help', '--help'],
    ['-A tasks.ts --help', '-A tasks.ts --help'],
    ['--queues a worker', '--queues a worker'],
    ['', ''],
  ]
  for (const [given, understood] of cases) {
    it(`are understood: tasks ${given}`, () => {
      expect(hoistFlags(given.split(' ').filter(Boolean)).join(' ')).equal(understood)
    })
  }
})

describe('asking before something is destroyed', () => {
  function aPerson(answer: string | null) {
    const input = Object.assign(new PassThrough(), { isTTY: answer !== null })
    const output = new PassThrough()
    if (answer !== null) input.end(answer)
    return { input, output, asked: () => String(output.read() ?? '') }
  }

  for (const [answer, agreed] of [
    ['y\n', true],
    ['YES\n', true],
    ['n\n', false],
    ['\n', false],
    ['maybe\n', false],
    ['', false],
  ] as const) {
    it(`takes ${JSON.stringify(answer)} for a ${agreed ? 'yes' : 'no'}`, async () => {
      const person = aPerson(answer)

      expect(await confirm('Remove 3 messages?', { yes: false }, person)).equal(agreed)
      expect(person.asked()).contain('Remove 3 messages? [y/N] ')
    })
  }

  it('is not needed with --yes, and nothing is done with --dry-run', async () => {
    expect(await confirm('Remove?', { yes: true }, aPerson(null))).equal(true)
    expect(await confirm('Remove?', { yes: true, dryRun: true }, aPerson(null))).equal(false)
  })

  it('is refused where there is nobody to ask', async () => {
    const error: unknown = await confirm('Remove?', { yes: false }, aPerson(null)).catch((one: unknown) => one)

    expect(error).include({ code: 'E_USAGE', exit: 2 })
  })

  it('shows names from the wire safely', async () => {
    const person = aPerson('n\n')

    await confirm('Remove a\x1b[2J?', { yes: false }, person)

    expect(person.asked()).contain('a\\x1b[2J?')
  })
})
