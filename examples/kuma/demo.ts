/** A busy moment at Kuma, for `tasks demo`: everything the site sends, sent at once, and what the site shows afterwards. */
import type { AsyncResult } from 'celerity'
import { add } from './kuma.js'
import { outbox } from './mailer.js'
import { contributorBar } from './tasks/contributors.js'
import { buildSitemapIndex, buildSitemaps } from './tasks/sitemaps.js'
import { buildSpamDashboard, type SpamDashboard } from './tasks/spam.js'
import { editPage, movePages } from './tasks/wiki.js'
import { seed, store, watch } from './wiki.js'

export { default } from './app.js'

const PAGE = 'Web/CSS/display'
const WATCHERS = 40
const VISITORS = 1_000

/** Handles of what was sent; what these tasks send in turn are their children. */
export async function send(): Promise<readonly AsyncResult[]> {
  await seed()
  const readers = Array.from({ length: WATCHERS - 1 }, (_, at) => `reader${at}@example.org`)
  await watch(PAGE, [...readers, 'nobody@example.org'])

  const { results: edited } = await editPage(PAGE, { content: '# display\n\nNow with grid.', by: 'ada' })
  await Promise.all(Array.from({ length: VISITORS }, () => contributorBar(PAGE)))
  return [
    await add.delay(2, 3),
    ...edited,
    await buildSpamDashboard.delay(),
    ...(await buildSitemaps()),
    await movePages.delay('Web/HTML', 'Docs/HTML', 'grace@example.org'),
  ]
}

/** What to send when all of that is done. */
export async function finish(): Promise<readonly AsyncResult[]> {
  return [await buildSitemapIndex.delay()]
}

/** What became of it, in the words of the site. */
export async function report(): Promise<readonly string[]> {
  const [mails, bar, spam, locales] = await Promise.all([
    outbox(),
    contributorBar(PAGE),
    store.read<SpamDashboard>('dashboard', 'spam'),
    store.read<readonly string[]>('sitemaps', 'index'),
  ])
  return [
    `${mails.length} mails went out; ${WATCHERS} watchers, one of them without a mailbox, and a mail about the move`,
    `${VISITORS} visitors missed the contributor bar of ${PAGE}: one refresh, by ${bar?.names.join(', ') ?? 'nobody'}`,
    `spam dashboard: ${spam?.edits ?? 0} edits in ${spam?.days ?? 0} days, ${spam?.spam ?? 0} of them spam`,
    `sitemaps of ${locales?.length ?? 0} locales`,
  ]
}
