/** The application, shared by the web process and the workers: its name, its queues, and which task goes where. */
import { Celerity } from 'celerity'

const app = new Celerity('kuma', {
  // A backlog of re-indexing must not keep a mail waiting: each kind of work has a queue, and may have workers, of its own.
  taskQueues: ['mdn_purgeable', 'mdn_search', 'mdn_emails', 'mdn_wiki', 'celery'],
  taskRoutes: {
    'kuma.contributors.*': { queue: 'mdn_purgeable' }, // can be thrown away at any time: the next visitor asks again
    'kuma.spam.*': { queue: 'mdn_purgeable' },
    'kuma.sitemaps.*': { queue: 'mdn_purgeable' },
    'kuma.feeds.*': { queue: 'mdn_purgeable' },
    'kuma.humans.*': { queue: 'mdn_purgeable' },
    'kuma.sessions.*': { queue: 'mdn_purgeable' },
    'kuma.search.*': { queue: 'mdn_search' },
    'kuma.emails.*': { queue: 'mdn_emails' },
    'kuma.wiki.*': { queue: 'mdn_wiki' },
  },
})

export default app

/** The smallest task there is: `tasks call kuma.add --args '[2, 3]' --wait`, or from Python `app.send_task('kuma.add', (2, 3))`. */
export const add = app.task('kuma.add', { params: ['x', 'y'] }, (x: number, y: number) => x + y)
