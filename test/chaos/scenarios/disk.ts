import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadBinding, type OpenHandle } from '../../../src/sqlite/binding.js'
import { eventually } from '../../eventually.js'
import { SmallDisk } from '../faults/small-disk.js'
import { type Scenario, unless } from '../scenario.js'
import { SqliteStand } from '../stage/brokers.js'
import { violations } from '../stage/invariants.js'
import { startLoad } from '../stage/load.js'
import { complaints, type GroupProcess } from '../stage/processes.js'
import type { Stage } from '../stage/stage.js'
import { resumptions } from './outage.js'

const LEASE = 2
const MEGABYTES = 8
/** Seconds after there is room again in which work must go on. */
const RESUMES = 5

/** On a disk of its own, or where that can't be had, with a limit on what the workers may write. */
export class DiskStand extends SqliteStand {
  readonly disk: SmallDisk | null

  static override async open(folder: string, megabytes = MEGABYTES): Promise<DiskStand> {
    const disk = SmallDisk.mount(folder, megabytes)
    return new DiskStand(disk?.folder ?? folder, await loadBinding(), disk)
  }

  private constructor(folder: string, open: OpenHandle, disk: SmallDisk | null) {
    super(folder, open)
    this.disk = disk
  }

  override async close(): Promise<void> {
    await this.disk?.close()
  }
}

export const disk: Scenario = {
  name: 'T10',
  what: 'the disk under the SQLite file is full for longer than a lease, while tasks are sent and worked off',
  brokers: ['sqlite'],
  usual: { tasks: 400, faults: 1 },
  stand: (folder) => DiskStand.open(folder),
  async play(stage, { tasks, faults }) {
    const workers = await Promise.all([stage.worker('first', { lease: LEASE }), stage.worker('second', { lease: LEASE })])
    const load = startLoad(stage)
    for (let fault = 0; fault < faults; fault++) {
      const from = stage.ledger.done
      await eventually(() => stage.ledger.done >= from + tasks / faults / 2, 60)
      await stage.fault('broker', 0, async () => {
        const free = fill(stage, workers)
        await sleep((LEASE + 1) * 1000)
        free()
      })
      stage.progress(`full ${fault + 1} of ${faults}, ${stage.ledger.done} done`)
    }
    const back = stage.ledger.done
    await eventually(() => stage.ledger.done >= back + tasks / 2, 60)
    await load.end()
    await stage.allFinal(stage.accepted())
    const findings = await stage.findings(load.ids, workers)
    const integrity = await stage.sqlite.integrity()
    const pause = Math.max(...resumptions(stage.ledger.lines()))
    return {
      broken: [
        ...violations(findings),
        ...unless(findings.restarts === 0, `started again: ${findings.restarts}`),
        ...unless(integrity.join() === 'ok', `integrity_check: ${integrity.slice(0, 3).join('; ')}`),
        ...unless(pause <= RESUMES, `goes on only after ${pause.toFixed(1)} s`),
        ...workers.flatMap(complaints),
      ],
      findings,
      figures: { integrity: integrity.join(), 'goes on after at most': `${pause.toFixed(2)} s` },
    }
  },
}

/** Nothing more can be written. Returns what ends that. */
function fill(stage: Stage, workers: readonly GroupProcess[]): () => void {
  const small = stage.stand instanceof DiskStand ? stage.stand.disk : null
  if (small !== null) {
    small.fill()
    return () => small.free()
  }
  for (const { pid } of workers) limitFiles(pid, '4096')
  return () => {
    for (const { pid } of workers) limitFiles(pid, 'unlimited')
  }
}

/** What a process may write to a file, in bytes: `prlimit` of util-linux. Only the soft limit, so that it can be lifted again. */
function limitFiles(pid: number, most: string): void {
  const { status } = spawnSync('prlimit', ['--pid', `${pid}`, `--fsize=${most}:`], { stdio: 'ignore' })
  if (status !== 0) throw new Error('prlimit can set no limit')
}
