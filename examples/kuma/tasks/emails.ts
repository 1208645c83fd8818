import app from '../kuma.js'
import { deliver, type Mail, NoSuchMailbox, SmtpError } from '../mailer.js'
import { store, watchers } from '../wiki.js'

/** Messages that go to the broker in one round trip. */
const BATCH = 500

/**
 * One mail. A refusal for now is tried again, later each time; a box that does not exist is an expected failure, nobody's alarm.
 *
 * A task may run twice (a worker died before it could say "done"), so a mail that went out leaves a mark.
 */
export const sendMail = app.task(
  'kuma.emails.send',
  {
    bind: true,
    params: ['mail', 'key?'],
    retry: { on: [SmtpError], max: 5, backoff: true, backoffMax: '10m' },
    throws: [NoSuchMailbox],
    softTimeLimit: 20,
    timeLimit: 30,
  },
  async (task, mail: Mail, key: string = task.id) => {
    if ((await store.read('mailed', key)) !== null) return 'was sent before'
    await deliver(mail, task.signal)
    await store.write('mailed', key, { at: new Date().toISOString() })
    task.log.info('mail sent', { retries: task.retries })
    return 'sent'
  },
)

/** One edit, N watchers, N mails, each with its own tries: one bad address holds up nobody. Returns how many it sent on their way. */
export const notifyWatchers = app.task(
  'kuma.emails.notify_watchers',
  { params: ['slug', 'revision', 'by'] },
  async (slug: string, revision: number, by: string) => {
    const addresses = await watchers(slug)
    for (let at = 0; at < addresses.length; at += BATCH) {
      const batch = addresses.slice(at, at + BATCH)
      await app.sendMany(batch.map((to) => sendMail.s(editMail(to, slug, revision, by), `${slug}@${revision}:${to}`)))
    }
    return addresses.length
  },
)

function editMail(to: string, slug: string, revision: number, by: string): Mail {
  return { to, subject: `${slug} was edited (revision ${revision})`, text: `${by} edited ${slug}: /docs/${slug}` }
}
