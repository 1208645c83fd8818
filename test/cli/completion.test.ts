import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import { bashCompletion } from '../../src/cli/completion/bash.js'
import { fishCompletion } from '../../src/cli/completion/fish.js'
import { type CompletionCommand, completionModel } from '../../src/cli/completion/model.js'
import { zshCompletion } from '../../src/cli/completion/zsh.js'

const option = (more: object) => ({ type: 'option', multiple: false, ...more })
const common = {
  app: option({ char: 'A', helpValue: 'FILE', summary: "the user's module" }),
  json: { type: 'boolean', summary: 'as JSON' },
}

/** As oclif's manifest has them. */
const COMMANDS = [
  { id: 'config', summary: 'Settings', flags: { ...common, changed: { type: 'boolean', summary: 'not the default' } }, args: {} },
  { id: 'config:check', summary: 'Whether they are right', flags: common, args: {} },
  { id: 'dead:list', summary: 'Dead letters: why', flags: { ...common, sort: option({ options: ['age', 'queue'] }) }, args: {} },
  { id: 'completion', summary: 'This', flags: common, args: { shell: { options: ['bash', 'fish'] } } },
  { id: 'secret', hidden: true, flags: common, args: {} },
] as unknown as Parameters<typeof completionModel>[0]

const model = completionModel(COMMANDS)
const at = (path: string): CompletionCommand => model.find((one) => one.path === path)!

describe('completion', () => {
  it('knows commands, topics without a command of their own, and values of arguments; nothing hidden', () => {
    expect(model.map(({ path }) => path)).deep.equal(['', 'completion', 'config', 'config check', 'dead', 'dead list'])
    expect(at('').words.map(({ word }) => word)).deep.equal(['completion', 'config', 'dead'])
    expect(at('completion').words.map(({ word }) => word)).deep.equal(['bash', 'fish'])
  })

  it('offers before the command what all commands take', () => {
    expect(at('').flags.map(({ name }) => name)).deep.equal(['app', 'json', 'help'])
  })

  it('knows which flags take a file, a word, or nothing', () => {
    const takes = Object.fromEntries(at('dead list').flags.map((flag) => [flag.name, flag.takes]))

    expect(takes).deep.equal({ app: 'file', json: 'none', sort: 'words', help: 'none' })
  })

  it('is written so that quotes and colons in a summary do no harm', () => {
    expect(zshCompletion('tasks', model)).contain("'list:Dead letters: why'").contain("'--app:the user'\\''s module'")
    expect(fishCompletion('tasks', model)).contain("-l app -s A -r -F -d 'the user\\'s module'")
  })

  describe('in bash', () => {
    const cases: [line: string, offered: string][] = [
      ['tasks ', 'completion config dead'],
      ['tasks con', 'config'],
      ['tasks config ', 'check'],
      ['tasks config --ch', '--changed'],
      ['tasks -A tasks.ts dead ', 'list'],
      ['tasks dead list --sort ', 'age queue'],
      ['tasks completion ', 'bash fish'],
      ['tasks --app ', ''],
      ['tasks dead list --', '--app --json --sort --help'],
    ]
    for (const [line, offered] of cases) {
      it(`offers "${offered}" for "${line}"`, () => {
        const script = `${bashCompletion('tasks', model)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tasks_completion; echo "\${COMPREPLY[*]}"`

        const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', ...line.split(' ')], { encoding: 'utf8' })

        expect(stderr).equal('')
        expect(stdout.trim()).equal(offered)
      })
    }
  })
})
