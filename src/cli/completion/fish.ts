import { type CompletionCommand, type CompletionFlag, takingValues } from './model.js'

/** For `tasks completion fish | source`, or as ~/.config/fish/completions/tasks.fish. */
export function fishCompletion(bin: string, commands: readonly CompletionCommand[]): string {
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => quote(path))
  return `# fish completion for ${bin}
function __${bin}_command
  set -l command ''
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1
      set skip 0
      continue
    end
    if contains -- $word ${takingValues(commands).join(' ')}
      set skip 1
      continue
    end
    string match -q -- '-*' $word; and continue
    set -l next (string trim -- "$command $word")
    contains -- $next ${paths.join(' ')}; and set command $next
  end
  echo $command
end
complete -c ${bin} -e
complete -c ${bin} -f
${commands.flatMap((command) => lines(bin, command)).join('\n')}
`
}

function lines(bin: string, { path, words, flags }: CompletionCommand): readonly string[] {
  const here = `complete -c ${bin} -n ${quote(`test "$(__${bin}_command)" = "${path}"`)}`
  return [
    ...words.map(({ word, summary }) => `${here} -a ${quote(word)}${summary === '' ? '' : ` -d ${quote(summary)}`}`),
    ...flags.map(
      (flag) => `${here} -l ${flag.name}${flag.char === null ? '' : ` -s ${flag.char}`}${value(flag)} -d ${quote(flag.summary)}`,
    ),
  ]
}

function value({ takes, words }: CompletionFlag): string {
  switch (takes) {
    case 'none':
      return ''
    case 'file':
      return ' -r -F'
    case 'words':
      return ` -x -a ${quote(words.join(' '))}`
    case 'text':
      return ' -x'
  }
}

const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
