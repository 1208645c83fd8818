import { expect } from 'chai'
import { CelerityError } from '../../src/errors.js'
import { clocked, crontab, every, type ScheduleEntry } from '../../src/protocol/schedule.js'
import { START, Stage } from './a-stage.js'
import { anEntry } from './an-entry.js'

const seconds = (from: number, to: number, step = 1) =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step)

function each(name: string, span: number, more: Partial<ScheduleEntry> = {}): ScheduleEntry {
  return anEntry(every(span), { name, ...more })
}

describe('a beat', () => {
  let stage: Stage
  beforeEach(async () => {
    stage = new Stage()
    await stage.setUp()
  })
  afterEach(() => stage.tearDown())

  it('sends each entry whenever it is due, by the plan and without drift', async () => {
    await stage.start(stage.beat([each('fast', 1), each('slow', 2.5)]))

    await stage.clock.pass(5)

    expect(await stage.sent()).to.have.members(['fast +1', 'fast +2', 'slow +2.5', 'fast +3', 'fast +4', 'fast +5', 'slow +5'])
  })

  it('puts the declared entries into the store, and takes those away that nobody declares any more', async () => {
    await stage.schedules.put([{ name: 'gone', json: '{}', source: 'settings' }])
    await stage.store(each('edited', 60))

    await stage.start(stage.beat([each('new', 60), each('edited', 1)]))

    const { entries } = await stage.schedules.entries()
    expect(entries.map(({ name, source }) => [name, source])).to.deep.equal([
      ['edited', 'store'],
      ['new', 'settings'],
    ])
    expect(stage.said(/"edited".*run time/)).to.have.length(1)
  })

  it('leaves entries of others alone when it does not know all that is declared', async () => {
    await stage.schedules.put([{ name: 'theirs', json: '{}', source: 'settings' }])

    await stage.start(stage.beat([], { complete: false }))

    expect((await stage.schedules.entries()).entries.map(({ name }) => name)).to.deep.equal(['theirs'])
  })

  it('keeps the plan of an entry whose times a new definition does not change', async () => {
    const first = await stage.start(stage.beat([each('an-entry', 10)]))
    await stage.clock.pass(7)
    first.stop()
    await stage.clock.pass(1)

    await stage.start(stage.beat([each('an-entry', 10, { args: [1] })]))
    await stage.clock.pass(3)

    expect(await stage.sent()).to.deep.equal(['an-entry +10'])
  })

  it('follows an edit within a second, and misses nothing that comes due meanwhile', async () => {
    await stage.start(stage.beat())
    await stage.clock.pass(59.8)
    await stage.store(anEntry(crontab({}), { name: 'minutely' }))

    await stage.clock.pass(1)

    expect(await stage.sent()).to.deep.equal(['minutely +60'])
    await stage.schedules.remove(['minutely'])
    await stage.clock.pass(120)
    expect(await stage.sent()).to.deep.equal(['minutely +60'])
  })

  it('does not repeat what was sent when an entry is disabled and enabled right after', async () => {
    await stage.store(anEntry(crontab({}), { name: 'minutely' }))
    await stage.start(stage.beat())
    await stage.clock.pass(60.1)
    await stage.schedules.setEnabled('minutely', false)
    await stage.schedules.setEnabled('minutely', true)

    await stage.clock.pass(10)

    expect(await stage.sent()).to.deep.equal(['minutely +60'])
  })

  it('sends nothing of a disabled entry, and makes up for nothing when it is enabled', async () => {
    await stage.store(each('an-entry', 1))
    await stage.start(stage.beat())
    await stage.schedules.setEnabled('an-entry', false)
    await stage.clock.pass(5.5)
    await stage.schedules.setEnabled('an-entry', true)

    await stage.clock.pass(3)

    expect(await stage.sent()).to.deep.equal(['an-entry +6', 'an-entry +7', 'an-entry +8'])
  })

  it('runs a one-off entry once, and a moment once', async () => {
    await stage.start(stage.beat([each('one-off', 1, { oneOff: true }), anEntry(clocked(START + 2000), { name: 'moment' })]))

    await stage.clock.pass(10)

    expect(await stage.sent()).to.deep.equal(['one-off +1', 'moment +2'])
    expect((await stage.schedules.entries()).entries.map(({ over }) => over)).to.deep.equal([true, true])
  })

  it('spreads entries by their jitter, in order, and each beat by the same amount', async () => {
    await stage.start(stage.beat([each('an-entry', 10, { jitter: 5 })]))

    await stage.clock.pass(35)

    expect((await stage.sent()).slice(0, 2)).to.deep.equal(['an-entry +10', 'an-entry +20'])
    const late = (await stage.schedules.history('an-entry', 10)).map(({ at, due }) => at - due)
    expect(late.every((by) => by >= 0 && by <= 5000)).to.equal(true)
    expect(new Set(late).size).to.be.greaterThan(1)
  })

  it('names a damaged entry once, and runs the others', async () => {
    await stage.schedules.put([
      { name: 'torn', json: '{"name": "torn", "task":', source: 'store' },
      { name: 'zone', json: '{"name": "zone", "task": "a.b", "schedule": 1, "timezone": "Mars/Olympus"}', source: 'store' },
    ])
    await stage.store(each('an-entry', 1))
    const first = await stage.start(stage.beat())
    await stage.clock.pass(2)
    expect(first.leads).to.equal(true)
    await stage.schedules.put([{ name: 'another', json: '[]', source: 'store' }])
    await stage.clock.pass(2)

    expect(stage.said(/"torn"/)).to.have.length(1)
    expect(stage.said(/Mars\/Olympus/)).to.have.length(1)
    expect(stage.said(/"another"/)).to.have.length(1)
    expect(await stage.sent()).to.have.length(4)
  })

  it('leaves out an entry whose message cannot be made, until it is edited', async () => {
    const message = () => {
      throw new CelerityError('E_ENCODE', { message: 'args[0]: a function cannot be sent' })
    }
    await stage.start(stage.beat([each('an-entry', 1)], { message }))

    await stage.clock.pass(3)

    expect(stage.said(/"an-entry": args\[0]/)).to.have.length(1)
  })

  it('is told the entries it sends when it begins to lead', async () => {
    const reviewed: string[] = []
    const review = (entries: Iterable<ScheduleEntry>) => reviewed.push(...[...entries].map(({ task }) => task))

    await stage.start(stage.beat([each('an-entry', 1)], { review }))

    expect(reviewed).to.deep.equal(['app.task'])
  })

  it('with once, sends what is due and ends; the lead is free again', async () => {
    const entries = [each('an-entry', 10)]
    await stage.start(stage.beat(entries, { once: true }))
    await stage.clock.pass(10)
    expect(await stage.sent()).to.deep.equal([])

    await stage.start(stage.beat(entries, { once: true }))

    expect(await stage.sent()).to.deep.equal(['an-entry +10'])
    expect(await stage.schedules.leader()).to.equal(null)
  })

  describe('after an outage', () => {
    /** Beats are away from +5 to +1000. */
    async function sentAfterOutage(more: Partial<ScheduleEntry>): Promise<readonly string[]> {
      const entries = [each('an-entry', 10, more)]
      const first = await stage.start(stage.beat(entries))
      await stage.clock.pass(5)
      first.stop()
      await stage.clock.pass(995)
      await stage.start(stage.beat(entries))
      await stage.clock.pass(10)
      return stage.sent()
    }

    it('with misfire once, sends the newest missed time', async () => {
      expect(await sentAfterOutage({ misfire: 'once' })).to.deep.equal(['an-entry +1000', 'an-entry +1010'])
      const outcomes = (await stage.schedules.history('an-entry', 10)).map(({ outcome, due }) => `${outcome} +${(due - START) / 1000}`)
      expect(outcomes).to.deep.equal(['sent +1010', 'sent +1000', 'skipped-misfire +10'])
    })

    it('with misfire skip, sends what is due now and nothing older', async () => {
      expect(await sentAfterOutage({ misfire: 'skip' })).to.deep.equal(['an-entry +1000', 'an-entry +1010'])
    })

    it('with misfire skip, sends nothing when the newest time is long past', async () => {
      const entries = [anEntry(crontab({ minute: 10 }), { name: 'hourly', misfire: 'skip' })]
      const first = await stage.start(stage.beat(entries))
      first.stop()
      await stage.clock.pass(1800)

      await stage.start(stage.beat(entries))
      await stage.clock.pass(3600)

      expect(await stage.sent()).to.deep.equal(['hourly +4200'])
    })

    it('with misfire all, sends the newest up to the bound, oldest first', async () => {
      const sent = await sentAfterOutage({ misfire: 'all', misfireLimit: 60 })

      expect(sent).to.deep.equal(seconds(410, 1010, 10).map((at) => `an-entry +${at}`))
    })

    it('with an outage shorter than the grace, sends all', async () => {
      const entries = [each('an-entry', 10, { misfire: 'skip' })]
      const first = await stage.start(stage.beat(entries))
      await stage.clock.pass(15)
      first.stop()
      await stage.clock.pass(40)

      await stage.start(stage.beat(entries))

      expect(await stage.sent()).to.deep.equal(seconds(10, 50, 10).map((at) => `an-entry +${at}`))
    })
  })

  describe('while the last task of an entry has not ended', () => {
    it('with overlap skip, leaves occurrences out', async () => {
      await stage.start(stage.beat([each('an-entry', 1, { overlap: 'skip' })]))
      await stage.clock.pass(3.5)
      await stage.finishOne()

      await stage.clock.pass(1)

      expect(await stage.sent()).to.deep.equal(['an-entry +4'])
      const outcomes = (await stage.schedules.history('an-entry', 10)).map(({ outcome }) => outcome)
      expect(outcomes).to.deep.equal(['sent', 'skipped-overlap', 'skipped-overlap', 'sent'])
    })

    it('with overlap queue-one, keeps one and sends it when the last has ended', async () => {
      await stage.start(stage.beat([each('an-entry', 1, { overlap: 'queue-one' })]))
      await stage.clock.pass(100.5)
      expect(await stage.sent()).to.deep.equal(['an-entry +1'])
      await stage.finishOne()

      await stage.clock.pass(1)
      expect(await stage.sent()).to.deep.equal(['an-entry +2'])
      await stage.finishOne()
      await stage.clock.pass(2)
      expect(await stage.sent()).to.deep.equal(['an-entry +102'])
    })

    it('with overlap queue-one, what waits is kept by the next leader too, although it is late', async () => {
      const entries = [each('an-entry', 1, { overlap: 'queue-one', misfire: 'skip' })]
      const first = await stage.start(stage.beat(entries))
      await stage.clock.pass(5)
      first.stop()
      await stage.clock.pass(100)
      await stage.start(stage.beat(entries))
      await stage.finishOne()

      await stage.clock.pass(2)

      expect(await stage.sent()).to.deep.equal(['an-entry +2'])
    })
  })

  describe('beside others', () => {
    it('stands by while another leads, and leads at once when that one stops', async () => {
      const entries = [each('an-entry', 1)]
      const first = await stage.start(stage.beat(entries, { node: 'beat@one' }))
      const second = await stage.start(stage.beat(entries, { node: 'beat@two' }))
      await stage.clock.pass(5)
      expect([first.leads, second.leads]).to.deep.equal([true, false])
      first.stop()

      await stage.clock.pass(1)

      expect(second.leads).to.equal(true)
      await stage.clock.pass(4)
      expect(await stage.sent()).to.deep.equal(seconds(1, 10).map((at) => `an-entry +${at}`))
      expect(stage.said(/stands by/)).to.deep.equal(['beat@two stands by: beat@one leads'])
    })

    it('leads when the lease of the leader has run out, and sends what came due meanwhile', async () => {
      const entries = [each('an-entry', 1)]
      await stage.schedules.lead({ id: 'frozen', node: 'beat@frozen' }, 10_000)
      await stage.start(stage.beat(entries))
      await stage.store(each('theirs', 1))

      await stage.clock.pass(10.5)

      expect((await stage.schedules.leader())?.node).to.equal('beat@test')
    })

    it('stands by when it was away for longer than its lease, and nothing it has prepared is sent', async () => {
      const entries = [each('an-entry', 1)]
      let frozen = Promise.resolve()
      const schedules = stage.around(async (_, call) => {
        await frozen
        return call()
      })
      const first = await stage.start(stage.beat(entries, { node: 'beat@one', schedules }))
      const second = await stage.start(stage.beat(entries, { node: 'beat@two' }))
      await stage.clock.pass(3)
      let thaw = () => {}
      frozen = new Promise((resolve) => {
        thaw = resolve
      })
      await stage.clock.pass(15)
      expect(second.leads).to.equal(true)

      thaw()
      await stage.clock.pass(5)

      expect([first.leads, second.leads]).to.deep.equal([false, true])
      expect(await stage.sent()).to.deep.equal(seconds(1, 23).map((at) => `an-entry +${at}`))
      expect(stage.lines.filter(({ level }) => level === 'error' || level === 'warning')).to.deep.equal([])
    })
  })

  describe('when the broker is away', () => {
    /** Fails until `back` is called. */
    function flaky() {
      let away = false
      const schedules = stage.around(async (_, call) => {
        if (away) throw new CelerityError('E_BROKER_UNREACHABLE', { message: 'connection refused' })
        return call()
      })
      const setAway = (value: boolean) => {
        away = value
      }
      return { schedules, setAway }
    }

    it('waits, says so once, however long that lasts, and sends what came due when it is back', async () => {
      const { schedules, setAway } = flaky()
      const beat = await stage.start(stage.beat([each('an-entry', 10)], { schedules }))
      await stage.clock.pass(15)
      setAway(true)
      await stage.clock.pass(30)
      expect(beat.ready).to.equal(false)
      expect(stage.said(/waiting for the broker/)).to.have.length(1)
      await stage.clock.pass(40)
      setAway(false)
      await stage.clock.pass(10)

      expect(beat.ready).to.equal(true)
      expect(stage.said(/waiting for the broker/)).to.have.length(1)
      // Away from 15 to 85: longer than the grace, so once.
      expect(await stage.sent()).to.deep.equal(['an-entry +10', 'an-entry +80', 'an-entry +90'])

      setAway(true)
      await stage.clock.pass(10)
      expect(stage.said(/waiting for the broker/)).to.have.length(2)
    })

    it('waits for it at the start, and ends when it is told to', async () => {
      const { schedules, setAway } = flaky()
      setAway(true)
      const beat = stage.beat([each('an-entry', 1)], { schedules })
      const ended = beat.run()
      await stage.clock.pass(20)

      beat.stop()
      await stage.clock.pass(2)

      await ended
    })

    it('does not wait for one that refuses it', async () => {
      const refuse = async () => {
        throw new CelerityError('E_BROKER_REFUSED', { message: 'NOAUTH' })
      }
      const beat = stage.beat([], { schedules: stage.around(refuse) })

      const error = await beat.run().catch((thrown: unknown) => thrown)

      expect(error).to.include({ code: 'E_BROKER_REFUSED' })
    })

    it('does not send twice when the answer to a tick was lost', async () => {
      let lose = true
      const schedules = stage.around(async (method, call) => {
        const answer = await call()
        if (method !== 'ticks' || stage.clock.now() < START + 3000 || !lose) return answer
        lose = false
        throw new CelerityError('E_BROKER_UNREACHABLE', { message: 'no answer in time' })
      })
      await stage.start(stage.beat([each('an-entry', 1)], { schedules }))

      await stage.clock.pass(6)

      expect(await stage.sent()).to.deep.equal(seconds(1, 6).map((at) => `an-entry +${at}`))
    })
  })

  describe('and clocks', () => {
    it("goes by the broker's clock, whatever the clock of its machine does", async () => {
      const wall = stage.clock.beside(86_400)
      await stage.start(stage.beat([each('an-entry', 1)], { clock: wall }))
      await stage.clock.pass(5)
      wall.ahead = -3600
      await stage.clock.pass(5)
      wall.ahead = 3600

      await stage.clock.pass(5)

      expect(await stage.sent()).to.deep.equal(seconds(1, 15).map((at) => `an-entry +${at}`))
    })

    it("with the broker's clock set ahead, makes up for one time; set back, an interval goes on", async () => {
      await stage.start(stage.beat([each('an-entry', 1)]))
      await stage.clock.pass(4)
      stage.clock.jump(3600)
      await stage.clock.pass(6)
      const ahead = (await stage.sent()).length
      expect(ahead).to.be.within(7, 11)
      stage.clock.jump(-3600)

      await stage.clock.pass(10)

      const sent = await stage.sent()
      expect(sent.length - ahead).to.be.within(6, 10)
      expect(new Set(sent).size).to.equal(sent.length)
    })

    it("with the broker's clock set back, does not repeat a wall-clock time", async () => {
      await stage.start(stage.beat([anEntry(crontab({ minute: 1 }), { name: 'hourly' })]))
      await stage.clock.pass(90)
      stage.clock.jump(-80)

      await stage.clock.pass(3600)

      expect(await stage.sent()).to.deep.equal(['hourly +60'])
    })
  })

  it('is cheap with 10,000 entries: it reads them once, and then what was edited', async () => {
    const entries = Array.from({ length: 10_000 }, (_, index) => anEntry(crontab({ minute: index % 60 }), { name: `entry-${index}` }))
    const asked: string[] = []
    const schedules = stage.around((method, call, [since]) => {
      asked.push(method === 'entries' && since !== undefined ? 'entries since' : method)
      return call()
    })
    await stage.start(stage.beat(entries, { schedules }))
    await stage.clock.pass(1)
    asked.length = 0

    await stage.store(each('edited', 60))
    await stage.clock.pass(10)

    expect(asked.filter((key) => key === 'entries')).to.deep.equal([])
    expect(asked.filter((key) => key === 'entries since')).to.have.length(1)
    expect(asked.filter((key) => key === 'ticks')).to.have.length(1)
  })
})
