/** The journal: events for readers that are away, written only while somebody is registered. */
import { expect } from 'chai'
import type { Broker } from '../../../src/broker/broker.js'
import { JOURNAL_CAP, type JournalPage } from '../../../src/broker/journal.js'
import { eventually, type Stage } from './stage.js'

export function journal(stage: () => Stage): void {
  describe('the journal', () => {
    const tell = (raw: string | Uint8Array, events = 1, broker: Broker = stage().broker) =>
      broker.broadcast({ exchange: 'celeryev', routingKey: 'task.multi', raw, events })
    const texts = ({ batches }: JournalPage) => batches.map(({ raw }) => raw.toString())

    it('is not written without a reader', async () => {
      expect(await tell('before')).to.include({ readers: 0 })
      const { journal } = stage().broker

      expect(await journal.read(0, 10)).to.deep.equal({ id: '', newest: 0, oldest: 0, batches: [] })
      expect(await journal.readers()).to.deep.equal([])
      expect((await journal.register('camera', 60)).newest).to.equal(0)
      expect((await journal.read(0, 10)).batches).to.deep.equal([])
    })

    it('keeps what is broadcast for a registered reader, by number of events, byte for byte', async () => {
      const reader = await stage().connect()
      const { id, newest } = await reader.journal.register('camera', 60)
      const raw = Buffer.from([0, 0xff, 0x0a, 0x80])

      expect(await tell('one', 3)).to.include({ readers: 1 })
      expect(await tell(raw, 2)).to.include({ readers: 1 })

      expect(newest).to.equal(0)
      expect(id).to.have.length.greaterThan(15)
      expect(await reader.journal.read(0, 10)).to.deep.equal({
        id,
        newest: 5,
        oldest: 0,
        batches: [
          { position: 3, events: 3, raw: Buffer.from('one') },
          { position: 5, events: 2, raw },
        ],
      })
    })

    it('leaves out broadcasts that are no events, and does not count its readers for them', async () => {
      await stage().broker.journal.register('camera', 60)

      const request = { exchange: 'celery.pidbox', routingKey: '', raw: 'a request' }
      expect(await stage().broker.broadcast(request)).to.include({ readers: 0 })
      expect(await tell('none', 0)).to.include({ readers: 0 })
      await tell('an event')

      expect(texts(await stage().broker.journal.read(0, 10))).to.deep.equal(['an event'])
    })

    it('is told to subscribers as ever', async () => {
      const heard: string[] = []
      await (await stage().connect()).subscribe('celeryev', '*', ({ raw }) => heard.push(Buffer.from(raw as Uint8Array).toString()))
      await stage().broker.journal.register('camera', 60)

      const { listeners, readers } = await tell('both', 1)

      await eventually(() => heard.length > 0)
      expect(heard).to.deep.equal(['both'])
      expect(listeners === null || listeners >= 1).to.equal(true)
      expect(readers).to.equal(1)
    })

    it('is read from a position on, so many batches at a time', async () => {
      const { journal } = stage().broker
      await journal.register('camera', 60)
      for (const text of ['a', 'b', 'c', 'd']) await tell(text, 2)

      const first = await journal.read(0, 3)
      const second = await journal.read(first.batches.at(-1)?.position ?? 0, 3)

      expect(texts(first)).to.deep.equal(['a', 'b', 'c'])
      expect(texts(second)).to.deep.equal(['d'])
      expect(texts(await journal.read(8, 3))).to.deep.equal([])
      expect(texts(await journal.read(3, 9)), 'in the midst of a batch: it comes whole').to.deep.equal(['b', 'c', 'd'])
      for (const page of [first, second]) expect(page).to.include({ newest: 8, oldest: 0 })
    })

    it('is one for all its readers, and stays as long as one of them', async () => {
      const { journal } = stage().broker
      const one = await journal.register('one', 60)
      await tell('a')
      const two = await (await stage().connect()).journal.register('two', 60)
      const again = await journal.register('one', 60)

      expect(two).to.deep.equal({ id: one.id, newest: 1 })
      expect(again).to.deep.equal(two)
      expect([...(await journal.readers())].sort()).to.deep.equal(['one', 'two'])
      expect(await tell('b')).to.include({ readers: 2 })

      await journal.leave('one')
      await journal.leave('one')
      expect(await tell('c')).to.include({ readers: 1 })
      expect(texts(await journal.read(0, 10))).to.deep.equal(['a', 'b', 'c'])
    })

    it('goes with the last reader to leave; the next one begins another', async () => {
      const { journal } = stage().broker
      const { id } = await journal.register('camera', 60)
      await tell('a')
      await journal.leave('camera')

      expect(await tell('nobody reads this')).to.include({ readers: 0 })
      expect(await journal.read(0, 10)).to.deep.equal({ id: '', newest: 0, oldest: 0, batches: [] })

      const next = await journal.register('camera', 60)
      expect(next.newest).to.equal(0)
      expect(next.id).not.to.equal(id)
      expect((await journal.read(0, 10)).batches).to.deep.equal([])
    })

    it('ends by itself when nobody prolongs: what comes then is not written, and the next record is another', async () => {
      const { journal } = stage().broker
      const { id } = await journal.register('camera', 0.3)
      await tell('a')

      await eventually(async () => (await journal.readers()).length === 0)

      expect(await tell('nobody reads this')).to.include({ readers: 0 })
      expect(await journal.read(0, 10)).to.include({ id: '', newest: 0 })
      const next = await journal.register('camera', 60)
      expect(next.newest).to.equal(0)
      expect(next.id).not.to.equal(id)
    })

    it('goes on without a gap for a reader whose registration ran out while another one stayed', async () => {
      const { journal } = stage().broker
      const { id } = await journal.register('steady', 60)
      await journal.register('brief', 0.3)
      await tell('a')
      await eventually(async () => (await journal.readers()).length === 1)
      await tell('b')

      expect(await journal.register('brief', 60)).to.deep.equal({ id, newest: 2 })
      expect(texts(await journal.read(0, 10))).to.deep.equal(['a', 'b'])
    })

    it('lasts as long as the longest registration, also when a shorter one comes later', async () => {
      const { journal } = stage().broker
      const { id } = await journal.register('long', 60)
      await journal.register('short', 0.2)
      await tell('a')

      await eventually(async () => (await journal.readers()).length === 1)

      expect(await journal.read(0, 10)).to.include({ id, newest: 1 })
    })

    it('keeps as many events as it promises and not many more, and says from where on', async () => {
      const { journal } = stage().broker
      await journal.register('camera', 60)
      const events = JOURNAL_CAP / 50
      const raw = 'x'.repeat(5_000)
      for (let batch = 0; batch < 75; batch++) await tell(raw, events)

      const { oldest, newest, batches } = await journal.read(0, 1_000)

      expect(newest).to.equal(75 * events)
      expect(newest - oldest).to.be.within(JOURNAL_CAP, JOURNAL_CAP * 1.2)
      expect(batches[0]).to.include({ position: oldest + events, events })
      expect(batches.map(({ position }) => position)).to.deep.equal(batches.map((_, index) => oldest + (index + 1) * events))
      expect(batches.at(-1)?.position).to.equal(newest)
    })

    it('numbers without a gap what several connections write at once', async () => {
      const { journal } = stage().broker
      await journal.register('camera', 60)
      const writers = await Promise.all([stage().connect(), stage().connect(), stage().connect()])

      await Promise.all(writers.flatMap((broker, at) => Array.from({ length: 20 }, (_, n) => tell(`${at}/${n}`, 1 + at, broker))))

      const { newest, batches } = await journal.read(0, 100)
      expect(newest).to.equal(20 * (1 + 2 + 3))
      expect(batches).to.have.length(60)
      let position = 0
      for (const batch of batches) {
        position += batch.events
        expect(batch.position).to.equal(position)
        expect(batch.raw.toString()).to.match(new RegExp(`^${batch.events - 1}/`))
      }
    })
  })
}
