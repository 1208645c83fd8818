/** The example application, its tasks run over the worker's own path in this process, its messages on a broker in memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { describeSchedule } from '../../src/beat/description.js'

describe('examples/kuma', function () {
  this.timeout(20_000)

  const folder = mkdtempSync(join(tmpdir(), 'celerity-kuma-'))
  const environment = { KUMA_DATA: folder, KUMA_PACE: '0', TASKS_BROKER_URL: 'memory://kuma-example' }
  const before_ = Object.keys(environment).map((name) => [name, process.env[name]] as const)
  let kuma: Awaited<ReturnType<typeof load>>

  before(async () => {
    Object.assign(process.env, environment)
    kuma = await load()
    await kuma.wiki.seed()
  })

  after(async () => {
    await kuma.app.close()
    for (const [name, value] of before_) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    rmSync(folder, { recursive: true })
  })

  const waiting = async (queue: string) => (await (await kuma.app.broker()).queues.peek(queue, 10_000)).length

  it('registers every task under a name that Python can send', () => {
    expect(kuma.app.registry.names()).to.include.members([
      'kuma.add',
      'kuma.emails.send',
      'kuma.emails.notify_watchers',
      'kuma.contributors.refresh',
      'kuma.search.index_documents',
      'kuma.sitemaps.build_locale',
      'kuma.spam.build_dashboard',
      'kuma.wiki.render_document',
      'kuma.wiki.move_page',
    ])
  })

  it('sends one refresh when a thousand visitors miss the contributor bar at once', async () => {
    const bars = await Promise.all(Array.from({ length: 1000 }, () => kuma.contributors.contributorBar('Web/CSS')))

    expect(bars.every((bar) => bar === null)).to.equal(true)
    while ((await waiting('mdn_purgeable')) === 0) await new Promise(setImmediate)
    expect(await waiting('mdn_purgeable')).to.equal(1)

    await kuma.contributors.refreshContributors('Web/CSS')
    expect((await kuma.contributors.contributorBar('Web/CSS'))?.names).to.deep.equal(['author1'])
    expect(await waiting('mdn_purgeable')).to.equal(1)
  })

  it('answers an edit after one round trip, with a task in each queue it concerns', async () => {
    const { page } = await kuma.tasks.editPage('Web/HTML', { content: 'New words', by: 'florian' })

    expect(page.revision).to.equal(2)
    expect([await waiting('mdn_wiki'), await waiting('mdn_emails'), await waiting('mdn_search')]).to.deep.equal([1, 1, 1])
  })

  it('sends each watcher a mail of their own', async () => {
    const before = await waiting('mdn_emails')

    const sent = await (await kuma.emails.notifyWatchers.apply(['Web/CSS', 1, 'florian'])).get()

    expect(sent).to.equal(25)
    expect(await waiting('mdn_emails')).to.equal(before + 25)
  })

  it('tries a mail again that was refused for now, and sends it once', async () => {
    // The first whose server greylists: found by asking the mail server itself.
    const mail = (reader: number) => ({ to: `guest${reader}@example.org`, subject: 'Hello', text: '…' })
    const refused = await Promise.all(Array.from({ length: 3 }, (_, at) => kuma.mailer.deliver(mail(at)).then(() => false, isSmtpError)))
    expect(refused.filter((was) => was)).to.have.lengthOf(1)

    const again = mail(refused.indexOf(true))
    expect(await kuma.emails.sendMail(again, 'key')).to.equal('sent')
    expect(await kuma.emails.sendMail(again, 'key')).to.equal('was sent before')
    expect((await kuma.mailer.outbox()).filter(({ to }) => to === again.to)).to.have.lengthOf(1)
  })

  it('works out the spam dashboard, and says how far it is', async () => {
    await kuma.wiki.savePage('Web/Casino', { content: 'The best casino', by: 'mallory' })

    const dashboard = await (await kuma.spam.buildSpamDashboard.apply([3])).get()

    expect(dashboard).to.include({ days: 3, spam: 1 })
    expect(dashboard.perDay).to.have.lengthOf(3)
  })

  it('moves a page with all below it, and twice is once', async () => {
    const moved = await kuma.tasks.movePages('Web/CSS', 'Styles', 'you@example.org')
    await kuma.tasks.movePages('Web/CSS', 'Styles', 'you@example.org')

    expect(moved).to.deep.equal(['Styles', 'Styles/display'])
    expect((await kuma.wiki.readPage('Web/CSS/display'))?.movedTo).to.equal('Styles/display')
    expect((await kuma.wiki.history('Styles/display')).length).to.equal(1)
  })

  it('fails a move onto an existing page with an error that Python knows', async () => {
    const result = await kuma.tasks.movePages.apply(['Web/HTML', 'Web/JavaScript', 'you@example.org'])

    const error = await result.get({ propagate: false })
    expect(error).to.include({ name: 'PageMoveError', message: 'Web/JavaScript exists already' })
  })

  it('renders the newest revision once, whatever is asked afterwards', async () => {
    const { revision } = await kuma.wiki.savePage('Web/HTML', { content: '# Title\n\n<b>text</b>', by: 'florian' })

    expect(await kuma.tasks.renderDocument('Web/HTML')).to.equal(revision)
    expect(await kuma.tasks.renderDocument('Web/HTML')).to.equal(revision)
    const rendered = await kuma.wiki.store.read<{ html: string }>('rendered', 'Web/HTML')
    expect(rendered?.html).to.equal('<h2>Title</h2>\n<p>&#60;b&#62;text&#60;/b&#62;</p>')
  })

  it('builds a sitemap for each locale and then the index', async () => {
    for (const locale of kuma.wiki.LOCALES) await (await kuma.sitemaps.buildLocaleSitemap.apply([locale])).get()

    expect(await (await kuma.sitemaps.buildSitemapIndex.apply([])).get()).to.equal(kuma.wiki.LOCALES.length)
  })

  describe('by the clock', () => {
    it('sends what Kuma sent, each a task that is registered and needs no arguments', () => {
      const entries = [...kuma.app.declaredSchedule.all()]

      expect(entries.map(({ name, schedule }) => `${name}: ${describeSchedule(schedule)}`)).to.deep.equal([
        'clean_sessions: every hour',
        'update_feeds: every 10 minutes',
        'humans_txt: at 00:00',
        'build_sitemaps: at 05:00',
        'render_stale_documents: every hour',
      ])
      expect(entries.filter(({ task }) => kuma.app.registry.get(task) === undefined)).to.deep.equal([])
    })

    it('forgets sessions that are over, and no others', async () => {
      const open = await kuma.sessions.openSession('ada')
      await kuma.wiki.store.write('sessions', 'old', { by: 'ada', until: Date.now() - 1 })

      expect(await (await kuma.housekeeping.cleanUpSessions.apply()).get()).to.equal(1)
      expect(await kuma.sessions.visitor(open.id)).to.equal('ada')
      expect(await kuma.sessions.visitor('old')).to.equal(null)
    })

    it('writes the feed and humans.txt', async () => {
      await kuma.wiki.savePage('Web/Newest', { content: 'Fresh', by: 'grace' })

      await kuma.housekeeping.updateFeeds.apply()
      await kuma.housekeeping.writeHumansTxt.apply()

      expect((await kuma.wiki.store.read<readonly { slug: string }[]>('feeds', 'recent'))?.[0]).to.include({
        slug: 'Web/Newest',
        by: 'grace',
      })
      expect(await kuma.wiki.store.read<string>('humans', 'txt'))
        .to.contain('  grace\n')
        .and.not.contain('mallory')
    })

    it('asks for renderings that were lost, and for all sitemaps', async () => {
      const before = [await waiting('mdn_wiki'), await waiting('mdn_purgeable')]

      const stale = await (await kuma.tasks.renderStaleDocuments.apply()).get()
      const sent = await (await kuma.sitemaps.buildAllSitemaps.apply()).get()

      expect(stale).to.be.greaterThan(0)
      expect(sent).to.equal(kuma.wiki.LOCALES.length)
      expect([await waiting('mdn_wiki'), await waiting('mdn_purgeable')]).to.deep.equal([before[0]! + stale, before[1]! + sent])
    })
  })
})

/** Imported here and not on top: the modules read the environment when they are loaded. */
async function load() {
  const [{ default: app }, wiki, mailer, contributors, emails, housekeeping, sessions, sitemaps, spam, tasks] = await Promise.all([
    import('../../examples/kuma/app.js'),
    import('../../examples/kuma/wiki.js'),
    import('../../examples/kuma/mailer.js'),
    import('../../examples/kuma/tasks/contributors.js'),
    import('../../examples/kuma/tasks/emails.js'),
    import('../../examples/kuma/tasks/housekeeping.js'),
    import('../../examples/kuma/sessions.js'),
    import('../../examples/kuma/tasks/sitemaps.js'),
    import('../../examples/kuma/tasks/spam.js'),
    import('../../examples/kuma/tasks/wiki.js'),
  ])
  return { app, wiki, mailer, contributors, emails, housekeeping, sessions, sitemaps, spam, tasks }
}

function isSmtpError(error: unknown): boolean {
  return error instanceof Error && error.name === 'SMTPException'
}
