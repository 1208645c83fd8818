import { expect } from 'chai'
import { Calendar } from '../../src/beat/calendar.js'
import { type Evidence, whyNot } from '../../src/beat/why-not.js'
import type { Occurrence, Reign, StoredEntry } from '../../src/broker/schedules.js'
import { crontab, encodeEntry, every, type ScheduleEntry } from '../../src/protocol/schedule.js'
import { anEntry } from './an-entry.js'

const calendar = new Calendar('UTC')
const at = (time: string, day = '2026-05-04') => Date.parse(`${day}T${time}Z`)
const NOW = at('12:00:00')

describe('why an entry was not sent', () => {
  it('was: says when, by whom, and how late', () => {
    const history = [anOccurrence({ due: at('05:00:00'), at: at('05:00:07'), ids: ['t1'], node: 'beat@a' })]

    const { cause, answer } = why({ history }, at('05:00:00'))

    expect(cause).to.equal('sent')
    expect(answer).to.equal('it was sent at 2026-05-04T05:00:07+00:00 by beat@a, 7 s late, as task t1')
  })

  it('takes the second it is asked about, where an entry is due many times a minute', () => {
    const entry = anEntry(every(2))
    const history = [
      anOccurrence({ due: at('05:00:04'), at: at('05:00:04'), outcome: 'skipped-overlap' }),
      anOccurrence({ due: at('05:00:02'), at: at('05:00:02'), ids: ['t2'] }),
    ]

    expect(why({ entry, history }, at('05:00:04')).cause).to.equal('skipped-overlap')
    expect(why({ entry, history }, at('05:00:03')).answer).to.match(/^not at that second: /)
    expect(why({ entry, history }, at('05:00:00')).answer).to.contain('it was sent 1 of the 2 times that are noted')
  })

  it('its schedule names another time', () => {
    const { cause, answer } = why({}, at('05:01:00'))

    expect(cause).to.equal('not-due')
    expect(answer).to.contain("minute 1 is not in '0'")
  })

  it('no beat led: says who led before and who after', () => {
    const reigns = [aReign({ node: 'beat@b', from: at('09:00:00'), until: NOW }), aReign({ from: at('01:00:00'), until: at('02:00:00') })]

    const { cause, answer, leader } = why({ reigns, stored: { planned: at('05:00:00') } }, at('05:00:00'))

    expect({ cause, leader }).to.deep.equal({ cause: 'no-leader', leader: null })
    expect(answer).to.equal(
      'it was due, and no beat ran: beat@a led until 2026-05-04T02:00:00+00:00, beat@b from 2026-05-04T09:00:00+00:00',
    )
  })

  it('the time was missed, and the newest was sent in its place', () => {
    const history = [
      anOccurrence({ due: at('05:00:00', '2026-05-03'), at: at('09:00:00', '2026-05-03'), outcome: 'late', ids: ['t2'] }),
      anOccurrence({ due: at('05:00:00', '2026-05-01'), at: at('09:00:00', '2026-05-03'), outcome: 'skipped-misfire' }),
    ]

    for (const day of ['2026-05-01', '2026-05-02']) {
      const { cause, answer } = why({ history }, at('05:00:00', day))
      expect(cause, day).to.equal('skipped-misfire')
      expect(answer, day).to.contain('the newest, due at 2026-05-03T05:00:00+00:00, was sent in its place')
    }
    expect(why({ history }, at('05:00:00', '2026-05-03')).cause).to.equal('sent')
  })

  it('the time was missed, and not made up for', () => {
    const history = [anOccurrence({ due: at('05:00:00'), at: at('09:00:00'), outcome: 'skipped-misfire' })]

    expect(why({ history }, at('05:00:00')).answer).to.contain('it was not made up for')
  })

  it('its last task had not ended', () => {
    const history = [anOccurrence({ due: at('05:00:00'), at: at('05:00:00'), outcome: 'skipped-overlap' })]

    expect(why({ history }, at('05:00:00')).cause).to.equal('skipped-overlap')
  })

  it('it waits for its last task to end, or another waited in its place', () => {
    const entry = anEntry(crontab({ minute: '*/10' }), { overlap: 'queue-one' })
    const waited = anOccurrence({ due: at('05:00:00'), at: at('05:25:00'), ids: ['t3'] })

    const waiting = why({ entry, stored: { planned: at('05:00:00'), open: ['t2'] } }, at('05:00:00'))

    expect(waiting).to.include({ cause: 'waiting', answer: 'its task t2 has not ended; it is sent when that has' })
    expect(why({ entry, history: [waited] }, at('05:10:00')).cause).to.equal('skipped-overlap')
    expect(why({ entry, history: [waited], reigns: [aReign({ from: 0, until: NOW })] }, at('05:30:00')).cause).to.equal('missed')
  })

  it('it is disabled, by the switch or by itself', () => {
    expect(why({ stored: { enabled: false } }, at('05:00:00')).cause).to.equal('disabled')
    expect(why({ entry: anEntry(crontab({ minute: 0, hour: 5 }), { enabled: false }) }, at('05:00:00')).cause).to.equal('disabled')
  })

  it('it is still to come, was never seen by a beat, or is over', () => {
    expect(why({}, at('05:00:00', '2026-05-05')).cause).to.equal('future')
    expect(why({ stored: null }, at('05:00:00')).cause).to.equal('unseen')
    expect(
      why({ entry: anEntry(crontab({ minute: 0, hour: 5 }), { oneOff: true }), stored: { over: true } }, at('05:00:00')).answer,
    ).to.contain('it runs once, and had run')
  })

  it('a beat leads and should have done it', () => {
    const reigns = [aReign({ from: at('01:00:00'), until: NOW })]

    expect(why({ reigns, stored: { planned: at('05:00:00') } }, at('05:00:00')).cause).to.equal('overdue')
    expect(why({ reigns }, at('05:00:00')).cause).to.equal('missed')
  })

  it('nobody remembers that far back', () => {
    const reigns = Array.from({ length: 100 }, (_, index) => aReign({ from: at('11:59:00') - index, until: at('11:59:00') - index + 1 }))

    expect(why({ reigns }, at('05:00:00', '2026-01-04')).cause).to.equal('unknown')
  })

  it('counts an interval from any time it was due, and not from runs by hand', () => {
    const entry = anEntry(every('1h'))
    const byHand = anOccurrence({ due: at('10:17:00'), at: at('10:17:00'), outcome: 'by-hand', ids: ['t4'], epoch: null })
    const sent = anOccurrence({ due: at('10:30:00'), at: at('10:30:00'), ids: ['t5'] })

    expect(why({ entry, history: [byHand, sent] }, at('10:30:00')).cause).to.equal('sent')
    expect(why({ entry, history: [byHand, sent] }, at('10:17:00')).cause).to.equal('not-due')
    expect(why({ entry, stored: null }, at('10:17:00')).cause).to.equal('unknown')
  })
})

interface Given extends Partial<Omit<Evidence, 'stored'>> {
  readonly stored?: Partial<StoredEntry> | null
}

function why({ stored = {}, entry = anEntry(crontab({ minute: 0, hour: 5 })), ...given }: Given, asked: number) {
  const evidence: Evidence = { entry, history: [], reigns: [], now: NOW, ...given, stored: stored === null ? null : aStored(entry, stored) }
  return whyNot(evidence, asked, calendar)
}

function aStored(entry: ScheduleEntry, fields: Partial<StoredEntry>): StoredEntry {
  return {
    ...{ name: entry.name, json: encodeEntry(entry), source: 'store', enabled: true, planned: null, over: false },
    ...{ lastDue: null, lastSent: null, runs: 0, by: null, open: [] },
    ...fields,
  }
}

function anOccurrence(fields: Partial<Occurrence>): Occurrence {
  return { due: 0, at: 0, outcome: 'sent', ids: [], node: 'beat@a', epoch: 1, ...fields }
}

function aReign(fields: Partial<Reign>): Reign {
  return { id: 'i1', node: 'beat@a', epoch: 1, from: 0, until: 0, ...fields }
}
