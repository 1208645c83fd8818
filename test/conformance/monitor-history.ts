/** What is asked of captured tasks, in the words of every database. */
import { expect } from 'chai'
import { History, type HistoryQuery } from '../../src/monitor/history.js'
import type { Snapshot, SnapshotStore } from '../../src/monitor/store.js'
import { failure, success, task } from '../monitor/some-events.js'

export function describeHistory(stage: () => { readonly store: SnapshotStore; commit(given: Partial<Snapshot>): Promise<unknown> }): void {
  describe('history', () => {
    const history = () => new History(stage().store)
    const ids = async (given: Partial<HistoryQuery>) => (await history().find({ slowest: false, limit: 100, ...given })).map(({ id }) => id)

    beforeEach(async () => {
      const mail = [
        task('mail-1', 'received', { at: 100, name: 'mail.send', args: "('Ann%a_b',)", node: 'celery@web-1' }),
        task('mail-1', 'succeeded', { at: 110, result: "'SENT'", runtime: 3, node: 'celery@web-1' }),
        task('mail-2', 'received', { at: 100, name: 'mail.digest', args: "('bob',)", node: 'celery@web-2' }),
        task('mail-2', 'failed', { at: 120, exception: "MailError('mailbox 1 full')", node: 'celery@web-2' }),
      ]
      const others = [
        task('sync-1', 'received', { at: 100, name: 'sync', parent_id: 'mail-1', root_id: 'mail-1' }),
        task('sync-1', 'retried', { at: 130, exception: 'Timeout()' }),
        task('sync-2', 'received', { at: 100, name: 'sync', parent_id: 'mail-1' }),
        task('sync-2', 'succeeded', { at: 140, result: 'None', runtime: 9 }),
      ]
      await stage().commit({ events: [...mail, ...others] })
    })

    it('tells what happened last first, and no more than asked for', async () => {
      expect(await ids({})).to.deep.equal(['sync-2', 'sync-1', 'mail-2', 'mail-1'])
      expect(await ids({ limit: 2 })).to.deep.equal(['sync-2', 'sync-1'])
    })

    it('tells the longest runs first', async () => {
      expect(await ids({ slowest: true })).to.deep.equal(['sync-2', 'mail-1'])
    })

    const cases: readonly (readonly [string, Partial<HistoryQuery>, readonly string[]])[] = [
      ['state', { states: ['FAILURE', 'RETRY'] }, ['sync-1', 'mail-2']],
      ['name', { tasks: ['mail.send'] }, ['mail-1']],
      ['a glob of names', { tasks: ['mail.*', 'nothing'] }, ['mail-2', 'mail-1']],
      ['a glob in which % and _ stand for themselves', { tasks: ['mail_s%'] }, []],
      ['worker', { workers: ['celery@web-?'] }, ['mail-2', 'mail-1']],
      ['moment', { since: 120, until: 140 }, ['sync-1', 'mail-2']],
      ['a text, whatever its case, in the arguments', { search: 'ann' }, ['mail-1']],
      ['a text in the result', { search: 'sent' }, ['mail-1']],
      ['a text in the error', { search: 'MAILBOX 1' }, ['mail-2']],
      ['a text in which % and _ stand for themselves', { search: '%A_' }, ['mail-1']],
      ['a text that would end a string', { search: "'; DROP TABLE monitor_task; --" }, []],
      ['all of it together', { states: ['FAILURE'], tasks: ['mail.*'], search: 'full' }, ['mail-2']],
    ]
    for (const [what, filter, found] of cases) {
      it(`finds by ${what}`, async () => {
        expect(await ids(filter)).to.deep.equal(found)
      })
    }

    it('counts failures by error and task, with the last of each', async () => {
      const failed = (id: string, at: number, exception: string) => [
        task(id, 'received', { at: 1, name: 'mail.digest' }),
        task(id, 'failed', { at, exception }),
      ]
      await stage().commit({
        events: [...failed('x', 50, "MailError('2')"), ...failed('y', 60, 'KeyError(1)'), task('z', 'failed', { at: 70 })],
      })

      expect(await history().errors({}, 10)).to.deep.equal([
        {
          error: 'MailError',
          name: 'mail.digest',
          failures: 2,
          firstAt: 50,
          lastAt: 120,
          id: 'mail-2',
          exception: "MailError('mailbox 1 full')",
        },
        { error: null, name: null, failures: 1, firstAt: 70, lastAt: 70, id: 'z', exception: null },
        { error: 'KeyError', name: 'mail.digest', failures: 1, firstAt: 60, lastAt: 60, id: 'y', exception: 'KeyError(1)' },
      ])
      expect((await history().errors({ since: 65 }, 10)).map(({ id, failures }) => [id, failures])).to.deep.equal([
        ['mail-2', 1],
        ['z', 1],
      ])
    })

    it('knows one task with its tries, and the tasks that it sent', async () => {
      await stage().commit({ events: [...success('a'), ...failure('b', 'X()')] })

      const found = await history().task('b')
      expect(found).to.include({ id: 'b', state: 'FAILURE', exception: 'X()' })
      expect(found?.tries.map(({ outcome }) => outcome)).to.deep.equal(['failed'])
      expect(await history().task('nobody')).to.equal(null)
      expect((await history().childrenOf('mail-1')).map(({ id, tries }) => [id, tries.length])).to.deep.equal([
        ['sync-1', 1],
        ['sync-2', 0],
      ])
    })
  })
}
