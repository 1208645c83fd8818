import { expect } from 'chai'
import type { Consumer } from '../../src/broker/broker.js'
import { CelerityError } from '../../src/errors.js'
import { Taker } from '../../src/worker/taker.js'
import { aLog } from '../app/an-app.js'
import { unreachable } from './a-worker.js'

describe('a worker that can neither take nor close a take', () => {
  const refused = () => new CelerityError('E_BROKER_REFUSED', { message: 'WRONGTYPE' })
  const minutes = 5

  for (const [what, watch, error, lines] of [
    ['says so once a minute for as long as that lasts', undefined, unreachable, minutes],
    ['says so where a connection stands, but the server refuses', {}, refused, minutes],
    ['says so once where its connection tells each minute that the server is away', {}, unreachable, 1],
  ] as const) {
    it(what, async () => {
      let now = 0
      const fail = () => Promise.reject(error())
      const back = () => (now < minutes * 60_000 ? fail() : Promise.resolve())
      const sleep = async (seconds: number) => {
        now += seconds * 1000
      }
      const clock = { now: () => now, monotonic: () => now, sleep }
      const consumer = { take: fail, closeTake: back, watch } as unknown as Consumer
      const { log, lines: said } = aLog()
      const taker = new Taker({ consumer, queues: ['celery'], clock, log, deadlineMs: 5_000 })

      expect(await taker.take(1, new AbortController().signal)).to.equal(null)

      expect(said.filter(({ text }) => text.includes('nothing can be taken'))).to.have.length(lines)
      expect(said.filter(({ text }) => text === 'the broker answers again')).to.have.length(1)
    })
  }
})
