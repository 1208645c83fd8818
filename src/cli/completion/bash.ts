import { type CompletionCommand, spellings, takingValues } from './model.js'

/** For `source <(tasks completion bash)`. */
export function bashCompletion(bin: string, commands: readonly CompletionCommand[]): string {
  const name = `_${bin}_completion`
  const paths = commands.filter(({ path }) => path !== '').map(({ path }) => quote(path))
  return `# bash completion for ${bin}
${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="" next word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in
      ${takingValues(commands).join('|')}) ((i++)); continue ;;
      -*) continue ;;
    esac
    next="\${command:+$command }$word"
    case "$next" in
      ${paths.join('|')}) command="$next" ;;
    esac
  done
  local words="" flags=""
  case "$command" in
${commands.map(branch).join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}
complete -o default -F ${name} ${bin}
`
}

function branch({ path, words, flags }: CompletionCommand): string {
  const lines = [`    ${quote(path)})`]
  const choices = flags.filter(({ takes }) => takes === 'words')
  const others = flags.filter(({ takes }) => takes === 'file' || takes === 'text')
  if (choices.length + others.length > 0) {
    lines.push('      case "$previous" in')
    for (const flag of choices) {
      lines.push(`        ${spellings(flag).join('|')}) COMPREPLY=($(compgen -W ${quote(flag.words.join(' '))} -- "$current")); return ;;`)
    }
    // Nothing of ours: \`-o default\` offers files.
    if (others.length > 0) lines.push(`        ${others.flatMap(spellings).join('|')}) return ;;`)
    lines.push('      esac')
  }
  lines.push(`      words=${quote(words.map(({ word }) => word).join(' '))}`)
  lines.push(`      flags=${quote(flags.flatMap(spellings).join(' '))} ;;`)
  return lines.join('\n')
}

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
