import app from '../kuma.js'
import { takeTime } from '../pace.js'
import { readPage, store } from '../wiki.js'

/** Puts the words of these pages into the search index. Returns how many words. */
export const indexDocuments = app.task(
  'kuma.search.index_documents',
  { bind: true, params: ['slugs'], ignoreResult: true },
  async (task, slugs: readonly string[]) => {
    let words = 0
    for (const slug of slugs) {
      const page = await readPage(slug)
      if (page === null || page.movedTo !== undefined) await store.remove('index', slug)
      else {
        await takeTime(0.1, task.signal)
        const found = [...new Set(page.content.toLowerCase().match(/\p{L}{3,}/gu) ?? [])]
        await store.write('index', slug, found)
        words += found.length
      }
    }
    return words
  },
)
