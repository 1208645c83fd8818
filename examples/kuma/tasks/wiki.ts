import app from '../kuma.js'
import { takeTime } from '../pace.js'
import { type Edit, movePage, type Page, PageMoveError, pages, readPage, savePage, store, subtree } from '../wiki.js'
import { notifyWatchers, sendMail } from './emails.js'
import { indexDocuments } from './search.js'

export interface Rendered {
  readonly revision: number
  readonly html: string
}

/** Macros and all; the renderer behind it bears one a second, whoever asks and however many workers there are. */
export const renderDocument = app.task(
  'kuma.wiki.render_document',
  { bind: true, params: ['slug'], rateLimit: '60/m', timeLimit: '5m' },
  async (task, slug: string) => {
    const page = await readPage(slug)
    if (page === null) return null
    const before = await store.read<Rendered>('rendered', slug)
    if (before !== null && before.revision >= page.revision) return before.revision // an older request, overtaken by a newer one
    await takeTime(0.5, task.signal)
    await store.write('rendered', slug, { revision: page.revision, html: render(page) } satisfies Rendered)
    return page.revision
  },
)

/** Pages whose rendering was lost, or never asked for, are rendered after all. Returns how many it sent on their way. */
export const renderStaleDocuments = app.task('kuma.wiki.render_stale_documents', async () => {
  const stale: string[] = []
  for (const slug of await pages()) {
    const [page, rendered] = [await readPage(slug), await store.read<Rendered>('rendered', slug)]
    if (page !== null && page.movedTo === undefined && (rendered?.revision ?? 0) < page.revision) stale.push(slug)
  }
  await app.sendMany(stale.map((slug) => renderDocument.s(slug)))
  return stale.length
})

/** Moves a page with all below it, and writes to who asked for it, whichever way it ends. Returns the new slugs. */
export const movePages = app.task(
  'kuma.wiki.move_page',
  { bind: true, params: ['from', 'to', 'address'], throws: [PageMoveError], trackStarted: true },
  async (task, from: string, to: string, address: string) => {
    const tell = (subject: string, text: string) => sendMail.delay({ to: address, subject, text }, `move:${task.id}:${subject}`)
    try {
      const moves = await subtree(from, to)
      if (moves.length === 0) throw new PageMoveError(`there is no page ${from}`)
      for (const [old, now] of moves) {
        await movePage(old, now)
        await task.progress({ moved: now })
      }
      await tell('Your page was moved', `${from} is now ${to}, with ${moves.length} pages in all.`)
      return moves.map(([, now]) => now)
    } catch (error) {
      if (error instanceof PageMoveError) await tell('Your page could not be moved', error.message)
      throw error
    }
  },
)

/** What the web process does with an edit: it saves, and leaves everything slow to others. One round trip, however much there is to do. */
export async function editPage(slug: string, edit: Edit) {
  const page = await savePage(slug, edit)
  const results = await app.sendMany([renderDocument.s(slug), notifyWatchers.s(slug, page.revision, edit.by), indexDocuments.s([slug])])
  return { page, results }
}

function render({ content }: Page): string {
  const blocks = content.split(/\n{2,}/).map((block) => {
    const heading = /^#\s+(.*)/.exec(block)
    return heading === null ? `<p>${escaped(block)}</p>` : `<h2>${escaped(heading[1] ?? '')}</h2>`
  })
  return blocks.join('\n')
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
