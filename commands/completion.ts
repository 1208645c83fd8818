import { BaseCommand } from '../src/cli/base-command.js'
import { bashCompletion } from '../src/cli/completion/bash.js'
import { fishCompletion } from '../src/cli/completion/fish.js'
import { completionModel } from '../src/cli/completion/model.js'
import { zshCompletion } from '../src/cli/completion/zsh.js'
import { word } from '../src/cli/flags.js'

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const
type Shell = keyof typeof SHELLS

export default class Completion extends BaseCommand<typeof Completion> {
  static override summary = 'A script that completes commands and flags in your shell'
  static override examples = [
    { description: 'bash, in ~/.bashrc', command: 'source <(<%= config.bin %> completion bash)' },
    { description: 'zsh, in ~/.zshrc after compinit', command: 'source <(<%= config.bin %> completion zsh)' },
    { description: 'fish', command: '<%= config.bin %> completion fish > ~/.config/fish/completions/<%= config.bin %>.fish' },
  ]
  static override args = {
    shell: word('the shell it is for', Object.keys(SHELLS)),
  }

  async run(): Promise<{ readonly shell: string; readonly script: string }> {
    const shell = this.args.shell as Shell // oclif has checked it against `options`
    const script = SHELLS[shell](this.config.bin, completionModel(this.config.commands))
    return this.show({ shell, script }, (data) => data.script)
  }
}
