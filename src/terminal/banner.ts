/** What a worker says when it starts: what took effect, and where each value came from. */
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
  readonly queues: readonly string[]
  readonly tasks: readonly string[]
}

const NAME_WIDTH = 13

export function bannerText({ title, config, queues, tasks }: Banner, paint: Paint): string {
  const lines = config.map(({ name, value, origin }) => {
    const from = origin === null ? '' : paint('dim', `  (${safe(origin)})`)
    return `  ${`${name}:`.padEnd(NAME_WIDTH)} ${safe(value)}${from}`
  })
  const list = (names: readonly string[]) => (names.length === 0 ? ['  (none)'] : names.map((name) => `  . ${safe(name)}`))
  return [
    paint('bold', safe(title)),
    '',
    '[config]',
    ...lines,
    '',
    '[queues]',
    ...list(queues),
    '',
    '[tasks]',
    ...list(tasks),
    '',
    '',
  ].join('\n')
}
