import { type CompletionCommand, type CompletionFlag, spellings, takingValues } from './model.js'

/** For `source <(tasks completion zsh)`, or as the file \`_tasks\` in a folder of \`$fpath\`. */
export function zshCompletion(bin: string, commands: readonly CompletionCommand[]): string {
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => quote(path))
  return `#compdef ${bin}
_${bin}() {
  local command="" next="" word="" i
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    case "$word" in
      ${takingValues(commands).join('|')}) ((i++)); continue ;;
      -*) continue ;;
    esac
    next="\${command:+$command }$word"
    case "$next" in
      ${paths.join('|')}) command="$next" ;;
    esac
  done
  local previous="\${words[CURRENT-1]}"
  local -a subcommands flags
  case "$command" in
${commands.map(branch).join('\n')}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then
    _describe -o flag flags
  elif (( \${#subcommands} )); then
    _describe command subcommands
  else
    _files
  fi
}
if [[ "$funcstack[1]" == "_${bin}" ]]; then
  _${bin} "$@"
else
  compdef _${bin} ${bin}
fi
`
}

function branch({ path, words, flags }: CompletionCommand): string {
  const lines = [`    ${quote(path)})`]
  const taking = flags.filter(({ takes }) => takes !== 'none')
  if (taking.length > 0) {
    lines.push('      case "$previous" in')
    for (const flag of taking) lines.push(`        ${spellings(flag).join('|')}) ${completer(flag)}; return ;;`)
    lines.push('      esac')
  }
  lines.push(`      subcommands=(${words.map(({ word, summary }) => described(word, summary)).join(' ')})`)
  lines.push(`      flags=(${flags.flatMap((flag) => spellings(flag).map((one) => described(one, flag.summary))).join(' ')}) ;;`)
  return lines.join('\n')
}

function completer({ takes, words, summary }: CompletionFlag): string {
  if (takes === 'words') return `compadd -- ${words.map(quote).join(' ')}`
  return takes === 'file' ? '_files' : `_message ${quote(summary)}`
}

const described = (word: string, summary: string) => quote(`${word.replaceAll(':', '\\:')}${summary === '' ? '' : `:${summary}`}`)
const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
