/** The wiki: pages, their history, who watches them. Plain functions; nothing here knows that there are tasks. */
import { fileURLToPath } from 'node:url'
import { Store } from './store.js'

/** Where everything is kept, by every process of the application. */
export const store = new Store(process.env.KUMA_DATA ?? fileURLToPath(new URL('.data', import.meta.url)))

export const LOCALES = ['de', 'en-US', 'es', 'fr', 'ja', 'pt-BR', 'ru', 'zh-CN'] as const
export type Locale = (typeof LOCALES)[number]

export interface Page {
  /** Path within the locale: `Web/CSS/display`. */
  readonly slug: string
  readonly locale: Locale
  readonly content: string
  /** Counts up from 1. */
  readonly revision: number
  /** Set on what a moved page leaves behind. */
  readonly movedTo?: string
  /** Set on a moved page: where it came from. */
  readonly movedFrom?: string
}

export interface Revision {
  readonly number: number
  readonly by: string
  /** ISO 8601, UTC. */
  readonly at: string
  readonly words: number
  readonly isSpam: boolean
}

export interface Edit {
  readonly content: string
  readonly by: string
  readonly locale?: Locale
}

export class PageMoveError extends Error {
  /** What Python code sees this as: `kuma.wiki.exceptions.PageMoveError`. */
  static readonly celeryModule = 'kuma.wiki.exceptions'
  override readonly name = 'PageMoveError'
}

export function readPage(slug: string): Promise<Page | null> {
  return store.read<Page>('pages', slug)
}

export function pages(): Promise<readonly string[]> {
  return store.keys('pages')
}

export async function savePage(slug: string, { content, by, locale }: Edit): Promise<Page> {
  const before = await readPage(slug)
  const page: Page = { slug, locale: locale ?? before?.locale ?? 'en-US', content, revision: (before?.revision ?? 0) + 1 }
  await store.write('pages', slug, page)
  const words = content.split(/\s+/).filter((word) => word !== '').length
  const revision: Revision = { number: page.revision, by, at: new Date().toISOString(), words, isSpam: /casino|viagra/i.test(content) }
  await store.append('history', slug, revision)
  return page
}

export function history(slug: string): Promise<readonly Revision[]> {
  return store.lines<Revision>('history', slug)
}

/** Addresses of those who want to know of every edit. */
export async function watchers(slug: string): Promise<readonly string[]> {
  return (await store.read<readonly string[]>('watchers', slug)) ?? []
}

export function watch(slug: string, addresses: readonly string[]): Promise<void> {
  return store.write('watchers', slug, addresses)
}

/** The page and all below it, old slug to new. */
export async function subtree(from: string, to: string): Promise<readonly (readonly [string, string])[]> {
  const slugs = (await pages()).filter((slug) => slug === from || slug.startsWith(`${from}/`))
  return slugs.map((slug) => [slug, to + slug.slice(from.length)] as const)
}

/**
 * Moves one page and leaves a redirect. Each step may be done twice: when a worker dies half-way, another does them all again.
 *
 * @throws PageMoveError
 */
export async function movePage(from: string, to: string): Promise<void> {
  const [page, there] = [await readPage(from), await readPage(to)]
  if (page === null) throw new PageMoveError(`there is no page ${from}`)
  if (page.movedTo === to) return
  const isFree = there === null || there.movedTo !== undefined || there.movedFrom === from
  if (!isFree) throw new PageMoveError(`${to} exists already`)
  await store.copy('history', from, to)
  await watch(to, await watchers(from))
  await store.write('pages', to, { ...page, slug: to, movedFrom: from })
  await store.write('pages', from, { ...page, movedTo: to })
}

/** A few pages and many watchers, when there are none yet. */
export async function seed(): Promise<void> {
  if ((await pages()).length > 0) return
  const slugs = ['Web', 'Web/CSS', 'Web/CSS/display', 'Web/HTML', 'Web/JavaScript']
  for (const [at, slug] of slugs.entries()) {
    await savePage(slug, { content: `# ${slug}\n\nAll about ${slug}.`, by: `author${at}`, locale: LOCALES[at % LOCALES.length] ?? 'en-US' })
    await watch(
      slug,
      Array.from({ length: 25 }, (_, reader) => `reader${reader}@example.org`),
    )
  }
}
