/** The web process: `npx tsx examples/kuma/web.ts`. It never does slow work; it sends tasks, and shows what there is by now. */
import { serve } from '@hono/node-server'
import { CelerityError } from 'celerity'
import { Hono } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import app from './kuma.js'
import { dashboardPage, editForm, homePage, page } from './pages.js'
import { openSession, visitor } from './sessions.js'
import { contributorBar } from './tasks/contributors.js'
import type { FeedItem } from './tasks/housekeeping.js'
import { buildSitemaps } from './tasks/sitemaps.js'
import { buildSpamDashboard, type SpamDashboard } from './tasks/spam.js'
import { editPage, movePages, type Rendered } from './tasks/wiki.js'
import { pages, readPage, seed, store } from './wiki.js'

const web = new Hono()

web.use(async (context, next) => {
  const begun = performance.now()
  await next()
  context.header('Server-Timing', `page;dur=${(performance.now() - begun).toFixed(1)}`)
})

web.onError((error, context) => {
  console.error(error)
  // The broker is away: the visitor is told at once, after the publish deadline at the latest, instead of being left to wait.
  const isAway = error instanceof CelerityError && error.exit === 69
  return isAway
    ? context.text('That cannot be done right now. Please try again in a minute.', 503)
    : context.text('Sorry, a mistake of ours.', 500)
})

web.get('/', async (context) => context.html(homePage(await pages())))

web.get('/healthz', (context) => context.text('ok'))

web.get('/docs/:slug{.+}', async (context) => {
  const slug = context.req.param('slug')
  const [found, by] = await Promise.all([readPage(slug), visitor(getCookie(context, 'session'))])
  if (found === null) return context.html(page(slug, editForm(slug, '', by)), 404)
  if (found.movedTo !== undefined) return context.redirect(`/docs/${found.movedTo}`, 301)
  const [rendered, bar] = await Promise.all([store.read<Rendered>('rendered', slug), contributorBar(slug)])
  return context.html(page(slug, editForm(slug, found.content, by), { found, rendered, bar }))
})

/** Saves, sends the mails, the rendering and the indexing on their way, and answers. */
web.post('/docs/:slug{.+}', async (context) => {
  const slug = context.req.param('slug')
  const { content, by } = await context.req.parseBody()
  if (typeof content !== 'string' || typeof by !== 'string') return context.text('An edit has `content` and `by`.', 400)
  const { page: saved, results } = await editPage(slug, { content, by })
  if (context.req.header('accept') !== 'application/json') {
    const { id, maxAge } = await openSession(by)
    setCookie(context, 'session', id, { maxAge, httpOnly: true, sameSite: 'Lax' })
    return context.redirect(`/docs/${slug}`, 303)
  }
  return context.json({ slug, revision: saved.revision, tasks: results.map(({ id }) => id) }, 202)
})

web.post('/move', async (context) => {
  const { from, to, address } = await context.req.parseBody()
  if (typeof from !== 'string' || typeof to !== 'string' || typeof address !== 'string') {
    return context.text('A move has `from`, `to` and `address`.', 400)
  }
  const { id } = await movePages.delay(from, to, address)
  return context.json({ task: id }, 202)
})

web.get('/spam', async (context) => {
  const [dashboard, task] = await Promise.all([store.read<SpamDashboard>('dashboard', 'spam'), store.read<string>('dashboard', 'task')])
  const running = task === null ? null : await app.result(task).info()
  return context.html(dashboardPage(dashboard, running))
})

web.post('/spam', async (context) => {
  const { id } = await buildSpamDashboard.delay()
  await store.write('dashboard', 'task', id)
  return context.redirect('/spam', 303)
})

web.post('/sitemaps', async (context) => {
  const results = await buildSitemaps()
  return context.json({ tasks: results.map(({ id }) => id) }, 202)
})

/** Made by the schedule; until it was, there is none. */
web.get('/humans.txt', async (context) => {
  const text = await store.read<string>('humans', 'txt')
  return text === null ? context.notFound() : context.text(text)
})

web.get('/feeds/recent', async (context) => context.json((await store.read<readonly FeedItem[]>('feeds', 'recent')) ?? []))

/** What has become of a task: for pages that wait for one, by asking now and then. */
web.get('/tasks/:id', async (context) => {
  const result = app.result(context.req.param('id'))
  const [state, info] = [await result.state(), await result.info()]
  return context.json({ id: result.id, state, info: info instanceof Error ? { error: info.name, message: info.message } : info })
})

await seed()
const server = serve(
  { fetch: web.fetch, port: Number(process.env.PORT ?? 8000), hostname: process.env.HOST ?? '127.0.0.1' },
  ({ port }) => {
    console.log(`Kuma is at http://localhost:${port}`)
  },
)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(() => void app.close())
  })
}
