import { Redis } from 'ioredis'
import { eventually } from '../eventually.js'
import { freePort } from './free-port.js'
import { type RedisServer, startRedisServer } from './redis-server.js'

const SLOTS = 16_384

/** Three nodes with a third of the slots each, and a replica of the one that holds `key`. */
export interface RedisCluster {
  readonly nodes: readonly RedisServer[]
  /** Holds the key. */
  readonly holder: RedisServer
  readonly others: readonly RedisServer[]
  stop(): Promise<void>
}

export async function startCluster(binary: string, key: string): Promise<RedisCluster> {
  const nodes: RedisServer[] = []
  const buses: number[] = []
  for (let number = 0; number < 4; number++) {
    // A node's second port is for the others; by default it is the first one plus 10,000, which may be none.
    const bus = await freePort()
    buses.push(bus)
    const place = ['--cluster-port', `${bus}`, '--cluster-announce-ip', '127.0.0.1']
    const quick = ['--cluster-node-timeout', '1000', '--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1']
    nodes.push(await startRedisServer(binary, { args: ['--cluster-enabled', 'yes', ...place, ...quick] }))
  }
  const clients = nodes.map(({ port }) => new Redis(port))
  try {
    const [first, second, third, spare] = clients as [Redis, Redis, Redis, Redis]
    const share = Math.ceil(SLOTS / 3)
    for (const [index, client] of [first, second, third].entries()) {
      const end = Math.min((index + 1) * share, SLOTS)
      await client.cluster('ADDSLOTS', ...Array.from({ length: end - index * share }, (_, at) => index * share + at))
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', `${index + 1}`)
    }
    for (const [index, { port }] of nodes.entries()) {
      if (index > 0) await first.call('CLUSTER', 'MEET', '127.0.0.1', `${port}`, `${buses[index]}`)
    }
    const isWhole = async (client: Redis) => /cluster_state:ok[\s\S]*cluster_known_nodes:4/.test(await client.cluster('INFO'))
    await eventually(async () => (await Promise.all(clients.map(isWhole))).every(Boolean), 15)
    const holder = Math.floor((await first.cluster('KEYSLOT', key)) / share)
    const id = await (clients[holder] as Redis).cluster('MYID')
    await eventually(() =>
      spare.cluster('REPLICATE', id).then(
        () => true,
        () => false,
      ),
    ) // it has to have heard of it
    await eventually(async () => /master_link_status:up/.test(await spare.info('replication')), 15)
    return {
      nodes,
      holder: nodes[holder] as RedisServer,
      others: nodes.slice(0, 3).filter((_, index) => index !== holder),
      async stop() {
        await Promise.all(nodes.map((node) => node.stop()))
      },
    }
  } finally {
    for (const client of clients) client.disconnect()
  }
}
