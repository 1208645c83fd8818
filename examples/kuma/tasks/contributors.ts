/**
 * The contributor bar: who wrote a page. Working it out is too slow for a request, so visitors get what is cached, or the page without
 * the bar, and a task brings the cache up to date.
 */
import app from '../kuma.js'
import { takeTime } from '../pace.js'
import { history, store } from '../wiki.js'

export interface ContributorBar {
  readonly names: readonly string[]
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Seconds after which what is cached is still shown, and replaced. */
const FRESH = 12 * 3600
/** Seconds after which a refresh that was asked for and never came is asked for again. */
const PATIENCE = 60

export const refreshContributors = app.task(
  'kuma.contributors.refresh',
  { bind: true, params: ['slug'], ignoreResult: true, softTimeLimit: '1m', timeLimit: '2m' },
  async (task, slug: string) => {
    try {
      await takeTime(0.3, task.signal)
      const count = new Map<string, number>()
      for (const { by } of await history(slug)) count.set(by, (count.get(by) ?? 0) + 1)
      const names = [...count].sort(([, a], [, b]) => b - a).map(([name]) => name)
      await store.write('contributors', slug, { names, at: Date.now() } satisfies ContributorBar)
    } finally {
      // Also when it failed: the next visitor may ask again at once, not only when the lock has run out.
      await store.remove('refreshing', slug)
    }
  },
)

/**
 * What to show now, null when there is nothing yet. A thousand visitors who find it missing in the same second send one task: Kuma's own
 * queue was once flooded by them.
 */
export async function contributorBar(slug: string): Promise<ContributorBar | null> {
  const bar = await cached(slug)
  // Not waited for: with the broker away, a page without its bar is better than a page after five seconds.
  if (!isFresh(bar)) refreshOnce(slug).catch((error: unknown) => warn(slug, error))
  return bar
}

async function refreshOnce(slug: string): Promise<void> {
  if (!(await store.add('refreshing', slug, PATIENCE))) return
  // A slow visitor may get the lock of a refresh that was done since they looked.
  if (isFresh(await cached(slug))) return store.remove('refreshing', slug)
  await refreshContributors.delay(slug).catch(async (error: unknown) => {
    await store.remove('refreshing', slug)
    throw error
  })
}

function cached(slug: string): Promise<ContributorBar | null> {
  return store.read<ContributorBar>('contributors', slug)
}

function isFresh(bar: ContributorBar | null): boolean {
  return bar !== null && Date.now() - bar.at <= FRESH * 1000
}

function warn(slug: string, error: unknown): void {
  process.emitWarning(`no refresh of the contributors of ${slug}: ${error instanceof Error ? error.message : String(error)}`)
}
