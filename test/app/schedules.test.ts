import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { Celerity } from '../../src/app/celerity.js'
import { declaredEntries, messageOf, tickId } from '../../src/app/schedules.js'
import { ENTRY_HEADER, entryTaskOf } from '../../src/broker/entry-header.js'
import { settingsOf } from '../../src/config/load.js'
import type { SettingsInput } from '../../src/config/schema.js'
import { crontab, readEntry, type ScheduleEntry } from '../../src/protocol/schedule.js'
import { anApp, failureOf, read } from './an-app.js'

const DUE = Date.UTC(2026, 10, 22, 7, 0, 36, 0)

const beatMessage = JSON.parse(readFileSync(new URL('../fixtures/redis/beat-message.json', import.meta.url), 'utf8')) as {
  readonly pushes: readonly { readonly raw: string }[]
}

describe('schedules of an application', () => {
  describe('declared in code', () => {
    it('become entries, with the arguments and options of their signatures', () => {
      const app = new Celerity('kuma')
      const build = app.task('kuma.sitemaps', async (locale: string) => locale)
      app.schedule('sitemaps', { every: crontab({ minute: 0, hour: 5 }), task: build.s('de').set({ queue: 'slow' }) })

      const { entries, problems } = declared(app)

      expect(problems).to.deep.equal([])
      expect(entries).to.have.length(1)
      expect(entries[0]).to.deep.include({ name: 'sitemaps', task: 'kuma.sitemaps', args: ['de'], options: { queue: 'slow' } })
      expect(entries[0]!.schedule).to.deep.include({ kind: 'crontab', minute: '0', hour: '5' })
    })

    it('may name a task that lives elsewhere', () => {
      const app = new Celerity('kuma')
      app.schedule('feeds', { every: '10m', task: 'wiki.feeds', args: [1], kwargs: { force: true }, options: { expires: '5m' } })

      expect(declared(app).entries[0]).to.deep.include({ args: [1], kwargs: { force: true }, options: { expires: 300 } })
    })

    it('are refused where they are written, naming the field', async () => {
      const app = new Celerity('kuma')

      const error = await failureOf(() => app.schedule('leap', { every: '0 0 31 2 *', task: 'kuma.leap' }))

      expect(error).to.deep.include({ code: 'E_SCHEDULE' })
      expect(error.message).to.match(/^entry "leap": every: never fires/)
    })

    it('cannot take the name of another, but may be declared twice alike', async () => {
      const app = new Celerity('kuma')
      const feeds = { every: 600, task: 'wiki.feeds' }
      app.schedule('feeds', feeds)
      app.schedule('feeds', { ...feeds, every: '10m' })

      const error = await failureOf(() => app.schedule('feeds', { ...feeds, every: '11m' }))

      expect(error).to.deep.include({ code: 'E_SCHEDULE', message: "entry 'feeds' is declared twice" })
      expect(declared(app).entries).to.have.length(1)
    })
  })

  describe('declared in settings', () => {
    it("are read in Celery's form, beside those of the code", () => {
      const app = new Celerity('kuma')
      app.schedule('feeds', { every: '10m', task: 'wiki.feeds' })

      const { entries, problems } = declared(app, {
        beatSchedule: { sitemaps: { task: 'kuma.sitemaps', schedule: { minute: 0, hour: 5 }, options: { queue: 'slow' } } },
      })

      expect(problems).to.deep.equal([])
      expect(entries.map(({ name }) => name)).to.deep.equal(['feeds', 'sitemaps'])
    })

    it('win over those of the code, which is said', () => {
      const app = new Celerity('kuma')
      app.schedule('feeds', { every: '10m', task: 'wiki.feeds' })

      const { entries, problems } = declared(app, { beatSchedule: { feeds: { task: 'wiki.feeds', schedule: '1h' } } })

      expect(entries.map(({ schedule }) => schedule)).to.deep.equal([{ kind: 'interval', every: 3600, relative: false }])
      expect(problems).to.have.length(1)
      expect(problems[0]!.reason).to.contain('that of the settings counts')
    })

    it('are problems where they are wrong, and do not keep the others from running', () => {
      const { entries, problems } = declared(null, {
        beatSchedule: {
          leap: { task: 'kuma.leap', schedule: '0 0 31 2 *' },
          feeds: { task: 'wiki.feeds', schedule: 600 },
          lost: { task: 'kuma.lost', schedule: 600, timezone: 'Mars/Olympus' },
        },
      })

      expect(entries.map(({ name }) => name)).to.deep.equal(['feeds'])
      expect(problems.map(({ name }) => name)).to.deep.equal(['leap', 'lost'])
      expect(problems[1]!.reason).to.match(/^entry "lost": timezone: /)
    })
  })

  describe('as messages', () => {
    it("equal those of Celery's beat, but for when they are sent", async () => {
      const runtime = await anApp().runtime()
      const entry = anEntry({ task: 'proj.tasks.add', args: [16, 16], options: { expires: 15, queue: 'beatq' } })

      const { outgoing } = messageOf(runtime, entry, DUE)

      expect(outgoing).to.deep.include({ queue: 'beatq', priority: 0 })
      const ours = JSON.parse(String(outgoing.raw)) as Envelope
      expect(ours.headers['sent_at']).to.be.a('number')
      delete ours.headers['sent_at']
      expect(shape(JSON.stringify(ours))).to.deep.equal(shape(beatMessage.pushes[0]!.raw))
    })

    it('have an id that follows from entry and time', () => {
      expect(tickId('feeds', DUE))
        .to.equal(tickId('feeds', DUE))
        .and.match(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
      expect(tickId('feeds', DUE)).not.to.equal(tickId('feeds', DUE + 1))
      expect(tickId('feeds', DUE)).not.to.equal(tickId('sitemaps', DUE))
    })

    it('expire counted from when they were due, however late they are sent', async () => {
      const runtime = await anApp().runtime()

      const built = messageOf(runtime, anEntry({ options: { expires: 15 } }), DUE)

      expect(read(Buffer.from(built.outgoing.raw)).expires).to.equal(DUE + 15_000)
    })

    it('go where routes and the task say, unless the entry says it', async () => {
      const app = anApp({ taskRoutes: { 'wiki.*': { queue: 'wiki', priority: 3 } } })
      app.task('mail.send', { queue: 'mail', ignoreResult: true }, async () => undefined)
      const runtime = await app.runtime()

      expect(messageOf(runtime, anEntry({ task: 'wiki.feeds' }), DUE).outgoing).to.deep.include({ queue: 'wiki', priority: 3 })
      expect(messageOf(runtime, anEntry({ task: 'mail.send' }), DUE))
        .to.deep.include({ ignoresResult: true })
        .and.nested.include({ 'outgoing.queue': 'mail' })
      expect(messageOf(runtime, anEntry({ task: 'wiki.feeds', options: { queue: 'slow', priority: 9 } }), DUE).outgoing).to.deep.include({
        queue: 'slow',
        priority: 9,
      })
    })

    it('name the entry that they hold open, and only those do', async () => {
      const runtime = await anApp().runtime()
      const headers = { trace: 'x', [ENTRY_HEADER]: 'forged' }

      const free = messageOf(runtime, anEntry({ options: { headers } }), DUE)
      const held = messageOf(runtime, anEntry({ overlap: 'skip', options: { headers } }), DUE)

      expect(entryTaskOf(free.outgoing.raw)).to.equal(undefined)
      expect(entryTaskOf(held.outgoing.raw)).to.deep.equal({ entry: 'feeds', id: held.id })
      expect(read(Buffer.from(held.outgoing.raw)).headers).to.include({ trace: 'x' })
    })
  })
})

function declared(app: Celerity | null, settings: SettingsInput = {}) {
  return declaredEntries(app, settingsOf({ brokerUrl: 'memory://', ...settings }))
}

function anEntry(fields: Readonly<Record<string, unknown>> = {}): ScheduleEntry {
  const given = readEntry('feeds', { task: 'wiki.feeds', schedule: 600, ...fields })
  if (!given.ok) throw new Error(given.reason)
  return given.entry
}

interface Envelope {
  readonly body: string
  readonly headers: Record<string, unknown>
  readonly properties: Record<string, unknown>
}

/** The message without what differs from one to the next: ids, moments, the sender. */
function shape(raw: string): unknown {
  const { body, headers, properties, ...envelope } = JSON.parse(raw) as Envelope
  for (const key of ['id', 'root_id', 'expires', 'origin']) headers[key] = typeof headers[key]
  for (const key of ['correlation_id', 'reply_to', 'delivery_tag', 'expiration']) properties[key] = typeof properties[key]
  const opened: unknown = JSON.parse(Buffer.from(body, 'base64').toString())
  return { ...envelope, body: opened, headers, keys: Object.keys(headers), properties, ofProperties: Object.keys(properties) }
}
