import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ScheduleClock } from '../../src/broker/sqlite/schedule-clock.js'
import { SCHEMA } from '../../src/broker/sqlite/schema.js'
import { systemClock } from '../../src/clock.js'
import { silentLog } from '../../src/log.js'
import { type Database, openDatabase } from '../../src/sqlite/database.js'

const START = Date.UTC(2026, 2, 1)
const HOUR = 3_600_000

const no = 'E_BROKER_REFUSED'
const codes = { url: no, busy: no, full: no, large: no, readonly: no, damaged: no, closed: no, unsafe: no, io: no } as const

/** Seconds since the machine started; its processes may show different wall clocks. */
let uptime = 0
let boot = 'a-boot'

class Process {
  /** Milliseconds by which its wall clock is ahead. */
  ahead = 0
  readonly clock: ScheduleClock
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
    const machine = { get boot() { return boot }, now: () => uptime * 1000 } // biome-ignore format: one line says it
    const wall = { ...systemClock, now: () => START + uptime * 1000 + this.ahead }
    this.clock = new ScheduleClock(machine, wall)
  }

  /** What the clock says, in milliseconds from the right time. */
  async keep(): Promise<number> {
    return (await this.#database.write((transaction) => this.clock.keep(transaction))) - START - uptime * 1000
  }

  async now(): Promise<number> {
    return (await this.#database.read((transaction) => this.clock.now(transaction))) - START - uptime * 1000
  }

  /** As a beat that stands by. */
  async object(): Promise<void> {
    if (await this.#database.read((transaction) => this.clock.contradicts(transaction))) await this.keep()
  }
}

describe('the clock of the schedules in SQLite', () => {
  let folder: string
  let database: Database
  let one: Process
  let two: Process

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'celerity-clock-'))
    database = await openDatabase(`sqlite:${join(folder, 'tasks.db')}`, {
      schema: SCHEMA,
      deadlineMs: 5000,
      clock: systemClock,
      log: silentLog,
      codes,
    })
    ;[uptime, boot] = [1000, 'a-boot']
    ;[one, two] = [new Process(database), new Process(database)]
    await one.keep()
  })
  afterEach(async () => {
    await database.close()
    await rm(folder, { recursive: true })
  })

  it('is the wall clock, and follows it by small steps', async () => {
    uptime += 5
    one.ahead = 900
    expect(await one.keep()).to.equal(900)
    uptime += 5
    one.ahead = 1800
    expect(await one.keep()).to.equal(1800)
  })

  it('does not follow the jump of one process that another contradicts, however long it lasts', async () => {
    one.ahead = HOUR
    for (let second = 0; second < 60; second++) {
      uptime++
      expect(await one.keep()).to.equal(0)
      await two.object()
    }
    expect([await one.now(), await two.now()]).to.deep.equal([0, 0])
  })

  it('follows a jump that all agree in, after a while', async () => {
    one.ahead = two.ahead = -HOUR
    const said: number[] = []
    for (let second = 0; second < 15; second++) {
      uptime++
      said.push(await one.keep())
      await two.object()
    }
    expect(said).to.deep.equal([...Array(10).fill(0), ...Array(5).fill(-HOUR)])
    expect(await two.now()).to.equal(-HOUR)
  })

  it('begins anew when the machine was started again', async () => {
    one.ahead = HOUR
    ;[uptime, boot] = [10, 'another-boot']

    expect(await one.keep()).to.equal(HOUR)
  })
})
