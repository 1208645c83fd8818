import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.js'
import { startRedisServer } from '../../setup/redis-server.js'
import { redisServerPath } from '../../setup/servers.js'
import { SmallDisk } from '../faults/small-disk.js'
import type { Scenario } from '../scenario.js'
import { RedisStand } from '../stage/brokers.js'
import type { Stage } from '../stage/stage.js'
import { underLoad } from './outage.js'

const LEASE = 2
/** Redis rewrites its file from 64 on, and what a run writes is less than half of that. */
const MEGABYTES = 48
/** Seconds after there is room again, or the server is, in which work must go on. */
const RESUMES = 5

/** With its append-only file on a disk of its own. */
class SmallDiskStand extends RedisStand {
  readonly disk: SmallDisk

  static async on(folder: string, fsync: Fsync): Promise<SmallDiskStand> {
    const disk = SmallDisk.mount(folder, MEGABYTES)
    if (disk === null) throw new Error('a small disk can be mounted by root alone')
    const binary = redisServerPath() ?? ''
    const args = ['--appendfsync', fsync]
    return new SmallDiskStand(binary, await startRedisServer(binary, { durable: true, within: disk.folder, args }), disk)
  }

  private constructor(binary: string, server: Awaited<ReturnType<typeof startRedisServer>>, disk: SmallDisk) {
    super(binary, server)
    this.disk = disk
  }

  override async close(): Promise<void> {
    await super.close()
    await this.disk.close()
  }
}

type Fsync = 'everysec' | 'always'

/** The disk is full while it lasts: what the server does about it is what it does with that setting. */
async function full(stage: Stage, { disk, server }: SmallDiskStand, fsync: Fsync): Promise<void> {
  disk.fill()
  if (fsync === 'everysec') {
    await eventually(() => stage.redis.ask(async (client) => /aof_last_write_status:err/.test(await client.info('persistence'))), 20)
    await sleep((LEASE + 1) * 1000)
    disk.free()
  } else {
    await eventually(() => !isRunning(server.pid), 20)
    await sleep((LEASE + 1) * 1000)
    disk.free()
    await server.restart()
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function onFullDisk(name: string, fsync: Fsync, what: string): Scenario {
  return {
    name,
    what,
    brokers: ['redis'],
    usual: { tasks: 200, faults: 1 },
    stand: (folder) => SmallDiskStand.on(folder, fsync),
    async play(stage, scale) {
      const { stand } = stage
      if (!(stand instanceof SmallDiskStand)) throw new Error('not played on a small disk')
      const workers = await Promise.all([stage.worker('first', { lease: LEASE }), stage.worker('second', { lease: LEASE })])
      return underLoad(stage, scale, workers, 'full', () => stage.fault('broker', 0, () => full(stage, stand, fsync)), RESUMES)
    },
  }
}

export const refusing = onFullDisk(
  'T10r',
  'everysec',
  "the disk under Redis's append-only file is full for longer than a lease: it refuses what would be written (MISCONF)",
)
export const ending = onFullDisk(
  'T10a',
  'always',
  'the same with appendfsync always: Redis ends itself, and is started again when there is room',
)
