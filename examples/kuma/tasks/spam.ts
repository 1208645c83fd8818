import app from '../kuma.js'
import { takeTime } from '../pace.js'
import { history, pages, type Revision, store } from '../wiki.js'

export interface SpamDashboard {
  readonly days: number
  readonly edits: number
  readonly spam: number
  /** Newest day first. */
  readonly perDay: readonly { readonly day: string; readonly edits: number; readonly spam: number }[]
}

/** What `progress` reports, and `tasks result ID --follow` shows. */
export interface SpamProgress {
  readonly done: number
  readonly total: number
}

const DAY = 86_400_000

/** A minute of database work in a request was a 502; here it may take as long as it needs, and says how far it is. */
export const buildSpamDashboard = app.task(
  'kuma.spam.build_dashboard',
  { bind: true, params: ['days?'], softTimeLimit: '10m', timeLimit: '11m' },
  async (task, days: number = 30): Promise<SpamDashboard> => {
    const perDay = []
    for (let ago = 0; ago < days; ago++) {
      await task.progress({ done: ago, total: days } satisfies SpamProgress)
      const day = new Date(Date.now() - ago * DAY).toISOString().slice(0, 10)
      const edits = await editsOf(day, task.signal)
      perDay.push({ day, edits: edits.length, spam: edits.filter(({ isSpam }) => isSpam).length })
    }
    const dashboard = { days, edits: total(perDay, 'edits'), spam: total(perDay, 'spam'), perDay }
    await store.write('dashboard', 'spam', dashboard)
    return dashboard
  },
)

async function editsOf(day: string, signal: AbortSignal): Promise<readonly Revision[]> {
  await takeTime(0.15, signal)
  const all = await Promise.all((await pages()).map(history))
  return all.flat().filter(({ at }) => at.startsWith(day))
}

function total(rows: SpamDashboard['perDay'], of: 'edits' | 'spam'): number {
  return rows.reduce((sum, row) => sum + row[of], 0)
}
