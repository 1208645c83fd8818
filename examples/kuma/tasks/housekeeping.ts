/** What nobody asks for and everybody needs: sent by the schedule alone. Each may run twice, or not at all once: the next one makes up for it. */
import app from '../kuma.js'
import { takeTime } from '../pace.js'
import { cleanSessions } from '../sessions.js'
import { history, pages, type Revision, store } from '../wiki.js'

/** Edits shown in the feed. */
const NEWEST = 50

export interface FeedItem extends Revision {
  readonly slug: string
}

export const cleanUpSessions = app.task('kuma.sessions.clean', { bind: true, softTimeLimit: '10m' }, (task) =>
  cleanSessions(Date.now(), task.signal),
)

/** The newest edits of all pages. Returns how many are in the feed. */
export const updateFeeds = app.task('kuma.feeds.update', { bind: true, ignoreResult: true, timeLimit: '5m' }, async (task) => {
  await takeTime(0.2, task.signal)
  const all = await Promise.all((await pages()).map(async (slug) => (await history(slug)).map((one): FeedItem => ({ ...one, slug }))))
  const newest = all
    .flat()
    .sort((a, b) => (a.at < b.at ? 1 : -1))
    .slice(0, NEWEST)
  await store.write('feeds', 'recent', newest)
  return newest.length
})

/** The people behind the pages, for /humans.txt. Returns how many. */
export const writeHumansTxt = app.task('kuma.humans.write', async () => {
  const all = await Promise.all((await pages()).map(history))
  const names = [...new Set(all.flat().flatMap(({ by, isSpam }) => (isSpam ? [] : [by])))].sort()
  await store.write('humans', 'txt', `/* THANKS */\n${names.map((name) => `  ${name}\n`).join('')}`)
  return names.length
})
