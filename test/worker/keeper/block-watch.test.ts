import { expect } from 'chai'
import { BlockWatch } from '../../../src/worker/keeper/block-watch.js'
import { Board } from '../../../src/worker/keeper/board.js'
import type { Verdict } from '../../../src/worker/keeper/overrun.js'
import type { Sighting } from '../../../src/worker/keeper/probe.js'

/** A watch whose clock, and whose board's last tick, the test sets. */
class Scene {
  readonly board = new Board(4)
  readonly said: string[] = []
  readonly verdicts: Verdict[] = []
  asked = 0
  sighting: Sighting | null = null
  failing: Error | null = null
  stillBlocked: boolean | null = null
  readonly watch: BlockWatch
  #now = 1_000
  #blockedSince = 0

  constructor(blockedLimit = 600) {
    this.watch = new BlockWatch(
      {
        board: this.board,
        main: {
          ask: () => Promise.reject(new Error('not asked')),
          lost: () => {},
          lanes: () => {},
          readers: () => {},
          listening: () => {},
          say: (what, text) => this.said.push(`${what}: ${text}`),
        },
        sight: async () => {
          this.asked++
          return this.sighting
        },
        execute: async (verdict, _, isStillBlocked) => {
          this.verdicts.push(verdict)
          this.stillBlocked = isStillBlocked()
          if (this.failing !== null) throw this.failing
        },
      },
      blockedLimit,
    )
  }

  turns(): void {
    this.board.tick()
    this.#blockedSince = this.#now
  }

  /** Looks again and again, as the thread does. */
  async blocked(seconds: number, everyMs = 100): Promise<void> {
    for (const end = this.#now + seconds * 1000; this.#now < end; ) {
      this.#now += everyMs
      const floats = new Float64Array(this.board.buffer)
      const [s, ns] = process.hrtime()
      floats[3] = s * 1000 + ns / 1e6 - (this.#now - this.#blockedSince)
      await this.watch.look(this.#now)
    }
  }
}

describe('the watch on the event loop', () => {
  it('says nothing and asks nothing while it turns, or stands still for a moment', async () => {
    const scene = new Scene()
    scene.board.enter(scene.board.start('1/1', 0, 'id', 'kuma.block', 0), 0.001)
    for (let n = 0; n < 5; n++) {
      scene.turns()
      await scene.blocked(0.9)
    }

    expect([scene.said, scene.verdicts, scene.asked]).to.deep.equal([[], [], 0])
  })

  it('names who blocks it for longer than ten seconds, and where, once a minute', async () => {
    const scene = new Scene(0)
    scene.board.start('1/1', 0, 'id', 'kuma.block', 0)
    scene.sighting = { id: 'id', stack: '    at JSON.parse (<anonymous>)\n    at resize (/app/image.js:4:9)', isDebugged: false }
    scene.turns()
    await scene.blocked(9)
    expect(scene.said).to.deep.equal([])

    await scene.blocked(111)

    expect(scene.said).to.have.length(2)
    expect(scene.said[0]).to.match(
      /^blocked: the event loop is blocked by task kuma\.block\[id\] for 1\d s, at resize \(\/app\/image\.js:4:9\); the lease is renewed/,
    )
    expect(scene.verdicts).to.deep.equal([])
  })

  it('condemns a task that blocks it beyond its limit', async () => {
    const scene = new Scene()
    const slot = scene.board.start('1/1', 3, 'id', 'kuma.block', 0, 7)
    scene.turns()
    scene.board.enter(slot, 0.001)
    await new Promise((resolve) => setTimeout(resolve, 150))

    await scene.blocked(2.4)

    expect(scene.verdicts[0]).to.deep.include({ kind: 'task', limit: 0.001 })
    expect(scene.verdicts[0]).to.have.property('task').that.includes({ lane: '1/1', position: 3, size: 7, id: 'id' })
    expect(scene.stillBlocked).to.equal(true)
    expect(scene.asked).to.equal(1)
  })

  it('believes no more than it has seen: a process that was stopped, or a machine that slept, has blocked nothing', async () => {
    const scene = new Scene(60)
    scene.board.start('1/1', 0, 'id', 'kuma.nap', 0)
    scene.turns()
    await scene.blocked(0.5)

    await scene.blocked(3_600, 3_600_000)
    await scene.blocked(2)

    expect([scene.said, scene.verdicts]).to.deep.equal([[], []])
  })

  it('tries again when the broker could not be told, and says so once', async () => {
    const scene = new Scene(3)
    scene.board.start('1/1', 0, 'id', 'kuma.block', 0)
    scene.failing = new Error('the broker is away')
    scene.turns()

    await scene.blocked(8)

    expect(scene.verdicts.length).to.be.within(3, 6)
    expect(scene.said).to.deep.equal([scene.said[0]])
    expect(scene.said[0]).to.match(/kuma\.block\[id\] for \d s; it can't be ended yet: the broker is away$/)
  })
})
