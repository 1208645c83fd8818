import app from '../kuma.js'
import { takeTime } from '../pace.js'
import { LOCALES, type Locale, pages, readPage, store } from '../wiki.js'

/** The sitemap of one locale. Returns how many pages are in it. */
export const buildLocaleSitemap = app.task(
  'kuma.sitemaps.build_locale',
  { bind: true, params: ['locale'] },
  async (task, locale: Locale) => {
    await takeTime(0.2, task.signal)
    const all = await Promise.all((await pages()).map(readPage))
    const slugs = all.flatMap((page) => (page?.locale === locale && page.movedTo === undefined ? [page.slug] : []))
    await store.write('sitemaps', locale, slugs)
    return slugs.length
  },
)

/** The index of those that exist. */
export const buildSitemapIndex = app.task('kuma.sitemaps.build_index', async () => {
  const built = (await store.keys('sitemaps')).filter((name) => name !== 'index')
  await store.write(
    'sitemaps',
    'index',
    built.map((locale) => `/sitemaps/${locale}.xml`),
  )
  return built.length
})

/** All locales side by side. The index comes when they are done: whoever holds these results sends `buildSitemapIndex` then. */
export function buildSitemaps() {
  return app.sendMany(LOCALES.map((locale) => buildLocaleSitemap.s(locale)))
}

/** All of them, and the index anew after each: what the schedule sends. Returns how many it sent on their way. */
export const buildAllSitemaps = app.task('kuma.sitemaps.build_all', async () => {
  const results = await app.sendMany(LOCALES.map((locale) => buildLocaleSitemap.s(locale).set({ link: buildSitemapIndex.si() })))
  return results.length
})
