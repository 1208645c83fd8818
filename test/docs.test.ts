/** The reference pages and the code say the same. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { DEAD_REASONS } from '../src/broker/dead-reason.js'
import { Keys } from '../src/broker/redis/keys.js'
import { CODES, EXIT } from '../src/errors.js'
import { resultKey } from '../src/protocol/result.js'

const root = fileURLToPath(new URL('..', import.meta.url))

describe('docs/errors.md', () => {
  const page = read('docs/errors.md')

  it('has a paragraph on each code, with the exit code of the table', () => {
    const exits = Object.fromEntries(
      sections(page, '## Codes').map(([title, text]) => [title, Number(/Exit code (\d+)\.$/.exec(text)?.[1])]),
    )

    expect(exits).to.deep.equal(CODES)
  })

  it('has a paragraph on each reason of a dead letter, in order', () => {
    const titles = sections(page, '## Reasons of dead letters').map(([title]) => title)

    expect(titles).to.deep.equal([...DEAD_REASONS].sort())
  })

  it('has a row on each exit code', () => {
    const rows = [...page.matchAll(/^\| (\d+) \| (\w+) \|/gm)].map(([, code, name]) => [name, Number(code)])

    expect(Object.fromEntries(rows)).to.deep.equal(EXIT)
  })
})

describe('the codes of errors', () => {
  it('are all thrown somewhere', () => {
    const code = sources('src', 'commands')
      .filter((file) => file !== join('src', 'errors.ts'))
      .map(read)
      .join('\n')

    expect(Object.keys(CODES).filter((name) => !code.includes(`'${name}'`))).to.deep.equal([])
  })
})

describe('docs/redis.md', () => {
  it('names every key', () => {
    const page = read('docs/redis.md')
    const keys = new Keys('')
    const some = '<incarnation>'
    const ofWorkers = [keys.epoch, keys.lease, keys.lanes, keys.marks, keys.early, keys.started, keys.reaper].map((key) =>
      key.call(keys, some),
    )
    const ofQueues = [
      keys.list('<queue>', 0),
      keys.delayed('<queue>'),
      keys.delayedRaw('<queue>'),
      keys.dead('<queue>'),
      keys.list('<queue>', 4),
    ]
    const step = keys.list('<queue>', 1).replace('\x06\x16', '\\x06\\x16').replace(/3$/, '<step>')
    const others = [
      keys.producer('<id>'),
      keys.rate('<limit>'),
      keys.slots('<reservation>'),
      keys.deliveries('<task id>'),
      keys.binding('<queue>')[0],
    ]
    const alone = [keys.registry, keys.queues, keys.scratch, keys.revoked, keys.revocations, resultKey('', '<id>')]
    const all = [...ofWorkers, ...ofQueues, step, ...others, ...alone, `${keys.lane(some)}<lane>`, `${keys.done(some)}<lane>`]

    expect(all.filter((key) => !page.includes(`\`${key}\``))).to.deep.equal([])
  })
})

describe('links', () => {
  it('between pages lead somewhere', () => {
    const pages = [
      ...readdirSync(root).filter((file) => file.endsWith('.md')),
      ...markdown('docs'),
      ...markdown('src'),
      ...markdown('examples'),
    ]

    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !existsSync(join(root, dirname(page), target)))
        .map((target) => `${page} -> ${target}`),
    )

    expect(broken).to.deep.equal([])
  })

  it('from comments to pages lead somewhere', () => {
    const named = sources('src', 'commands').flatMap((file) => [...read(file).matchAll(/\bdocs\/[\w/-]+\.md\b/g)].map(([page]) => page))

    expect([...new Set(named)].filter((page) => !existsSync(join(root, page)))).to.deep.equal([])
  })
})

/** Title and text of each section below a heading of the second level. */
function sections(page: string, heading: string): [title: string, text: string][] {
  const [, part = ''] = page.split(`${heading}\n`)
  const own = part.split(/^## /m)[0] ?? ''
  return [...own.matchAll(/^### `([^`]+)`\n\n([\s\S]*?)(?=\n\n###|\n*$(?![\s\S]))/gm)].map(([, title = '', text = '']) => [
    title,
    text.replaceAll('\n', ' '),
  ])
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function sources(...folders: readonly string[]): string[] {
  return folders.flatMap((folder) => filesIn(folder, '.ts'))
}

function markdown(folder: string): string[] {
  return filesIn(folder, '.md')
}

function filesIn(folder: string, extension: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(extension) && !file.includes('node_modules'))
    .map((file) => join(folder, file))
}
