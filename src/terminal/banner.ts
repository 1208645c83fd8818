/** What a worker or a beat says when it starts: what took effect, and where each value came from. */
import type { Paint } from './colour.js'
import { safe } from './safe.js'

export interface BannerLine {
  readonly name: string
  readonly value: string
  /** Where it came from; null: nobody said, it is the default. */
  readonly origin: string | null
}

export interface Banner {
  readonly title: string
  readonly config: readonly BannerLine[]
  readonly lists: readonly { readonly title: string; readonly names: readonly string[] }[]
}

const NAME_WIDTH = 13

/** Names of one list. */
const MOST = 100

export function bannerText({ title, config, lists }: Banner, paint: Paint): string {
  const lines = config.map(({ name, value, origin }) => {
    const from = origin === null ? '' : paint('dim', `  (${safe(origin)})`)
    return `  ${`${name}:`.padEnd(NAME_WIDTH)} ${safe(value)}${from}`
  })
  const listed = lists.flatMap(({ title: heading, names }) => [
    `[${heading}]`,
    ...(names.length === 0 ? ['  (none)'] : names.slice(0, MOST).map((name) => `  . ${safe(name)}`)),
    ...(names.length > MOST ? [`  … and ${names.length - MOST} more`] : []),
    '',
  ])
  return [paint('bold', safe(title)), '', '[config]', ...lines, '', ...listed, ''].join('\n')
}
