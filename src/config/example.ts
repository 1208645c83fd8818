/** `.taskrc.example`, made from the table of settings; a test keeps the file equal to it. */
import { variablesOf } from './names.js'
import { ROWS } from './schema.js'

const HEAD = `# Every setting with its default, the names it has in the environment, and why it is there.
# Copy the lines you need into .taskrc (YAML or JSON) beside package.json; keep out what you do not change.
# A flag wins over the environment, that over this file, that over the second argument of \`new Celerity\`, that over the default.
# Spans are seconds, or have a unit: 90, 90s, 5m, 2h, 1d. Celery's names are accepted too: brokerUrl is also broker_url.
# \`tasks config\` shows what is in force and where it came from; \`tasks config check\` finds mistakes.
`

export function exampleFile(): string {
  const blocks = [...ROWS].map(([name, row]) =>
    [
      ...wrapped(row.why).map((line) => `# ${line}`),
      `# ${variablesOf(name).join(' ')}${row.unit === undefined ? '' : ` (${row.unit})`}`,
      `#${name}: ${yaml(row.default)}`,
    ].join('\n'),
  )
  return `${HEAD}\n${blocks.join('\n\n')}\n`
}

/** Flow style, which is JSON but for words that need no quotes. */
function yaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(yaml).join(', ')}]`
  return typeof value === 'string' && /^[a-z][\w./:-]*$/i.test(value) ? value : JSON.stringify(value)
}

function wrapped(text: string, width = 118): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
