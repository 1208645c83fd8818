/** A registered worker that is nothing but its keeper: the panel is the test's. */
import { randomUUID } from 'node:crypto'
import { Registry } from '../../../src/app/registry.js'
import type { Broker, Consumer, Delivery } from '../../../src/broker/broker.js'
import { settingsOf } from '../../../src/config/load.js'
import { createLog } from '../../../src/log.js'
import { Lamport } from '../../../src/protocol/lamport.js'
import { createEncoder } from '../../../src/protocol/message.js'
import { Board } from '../../../src/worker/keeper/board.js'
import { handOver } from '../../../src/worker/keeper/handed-over.js'
import { type Keeper, type KeeperOptions, startKeeper } from '../../../src/worker/keeper/keeper.js'
import type { Panel, PanelAnswer } from '../../../src/worker/keeper/panel-port.js'
import type { Line } from '../../app/an-app.js'

export const NODE = 'w1@host1'

export class KeptWorker {
  readonly board = new Board(4)
  readonly lamport = new Lamport()
  readonly lines: Line[] = []
  readonly asked: string[] = []
  readonly readers: number[] = []
  readonly incarnation: string
  readonly consumer: Consumer
  isLost = false
  readonly keeper: Keeper

  private constructor(broker: Broker, consumer: Consumer, handle: Panel['handle'] | undefined, options: Partial<KeeperOptions>) {
    this.consumer = consumer
    this.incarnation = consumer.incarnation
    const panel: Panel = {
      handle: (method, args) => {
        this.asked.push(method)
        return handle?.(method, args) ?? Promise.resolve<PanelAnswer>({ kind: 'reply', value: { ok: `main ${method}` } })
      },
    }
    this.keeper = startKeeper(
      {
        incarnation: this.incarnation,
        node: NODE,
        leaseMs: 30_000,
        remoteControl: 'full',
        heartbeat: 2,
        blockedLimit: 600,
        handedOver: handOver(settingsOf({ brokerUrl: 'memory://' }), new Registry()),
        brokerUrl: '',
        keyPrefix: '',
        deadlineMs: 5_000,
        ...options,
      },
      {
        broker,
        board: this.board,
        lamport: this.lamport,
        log: createLog('debug', (level, text, fields) => this.lines.push({ level, text, fields })),
        panel,
        lost: () => {
          this.isLost = true
        },
        lanes: () => {},
        readers: (count) => this.readers.push(count),
        listening: () => {},
      },
    )
  }

  static async open(broker: Broker, handle?: Panel['handle'], options: Partial<KeeperOptions> = {}): Promise<KeptWorker> {
    const leaseMs = options.leaseMs ?? 30_000
    const consumer = await broker.register({ incarnation: randomUUID(), node: NODE, leaseMs, queues: ['celery'] })
    return new KeptWorker(broker, consumer, handle, options)
  }

  /** Publishes tasks and takes them; the first `running` are on the board as begun at 1,000 s. */
  async hold(broker: Broker, ids: readonly string[], running: number): Promise<readonly Delivery[]> {
    const encoder = createEncoder({ origin: 'test', replyTo: 'r', markers: true })
    const calls = ids.map((id, n) => ({ id, task: 'kuma.block', args: [n, 'ä'], kwargs: { n }, queue: 'celery' }))
    await broker.publish(calls.map((call) => ({ queue: 'celery', priority: 0, raw: encoder.encode(call) })))
    const taken = await this.consumer.take(1, ['celery'], ids.length)
    if (taken === 'lost') throw new Error('lost')
    for (const [n, { lane, position }] of taken.deliveries.slice(0, running).entries()) {
      this.board.start(lane.name, position, ids[n] as string, 'kuma.block', 1_000_000)
    }
    return taken.deliveries
  }

  async close(): Promise<void> {
    await this.keeper.close()
    await this.consumer.resign()
  }
}
