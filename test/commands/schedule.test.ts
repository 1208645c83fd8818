import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type AProject, aProject } from '../config/a-project.js'
import { eventually } from '../eventually.js'
import { Process } from '../interop/process.js'
import { type RunOptions, runTasks } from './run-tasks.js'

const SETTINGS = {
  timezone: 'Europe/London',
  beatSchedule: {
    sitemaps: { task: 'kuma.sitemaps', schedule: { minute: 0, hour: 5 }, overlap: 'skip', options: { queue: 'slow' } },
    feeds: { task: 'kuma.feeds', schedule: '10m', kwargs: { token: 'hunter2' } },
  },
}

interface Listed {
  readonly leader: unknown
  readonly entries: readonly Readonly<Record<string, unknown>>[]
}

describe('tasks schedule', function () {
  this.timeout(30_000)
  let project: AProject
  beforeEach(() => {
    project = aProject({ 'package.json': {}, '.taskrc': JSON.stringify(SETTINGS) })
  })
  afterEach(() => project.remove())

  const run = (line: string | readonly string[], options: Partial<RunOptions> = {}) => runTasks(line, { cwd: project.folder, ...options })
  const json = async <Data>(line: string) => JSON.parse((await run(`${line} --json`)).stdout) as Data

  it('lists what is declared before any beat has run, in words and as a document', async () => {
    const { code, stdout, stderr } = await run('schedule list')
    const { leader, entries } = await json<Listed>('schedule list')

    expect(code).equal(0)
    expect(stdout).match(/^feeds +kuma\.feeds +every 10 minutes +- +- +- +0 +enabled +settings, not taken up yet$/m)
    expect(stdout).match(/^sitemaps +kuma\.sitemaps +at 05:00, Europe\/London +in \d+[hms]/m)
    expect(stderr).contain('No beat leads: nothing is sent.')
    expect(leader).equal(null)
    expect(entries[1]).deep.include({ name: 'sitemaps', state: 'enabled', source: 'settings', stored: false, runs: 0, by: null })
    expect(entries[1]!['next']).match(/^\d{4}-\d\d-\d\dT0[45]:00:00\.000Z$/)
  })

  it('ends with 3 when there is nothing to list', async () => {
    const { code, stdout } = await run('schedule list --json', { env: { TASKS_BEAT_SCHEDULE: '{}' } })

    expect(code).equal(3)
    expect(JSON.parse(stdout)).deep.equal({ leader: null, entries: [] })
  })

  it('adds an entry, and says when it is due', async () => {
    const added = await run([
      'schedule',
      'add',
      'lamps',
      '--task',
      'house.lamps',
      '--cron',
      '0 18 * * mon-fri',
      '--args',
      '[true]',
      '--json',
    ])
    const again = await run(['schedule', 'add', 'lamps', '--task', 'house.lamps', '--cron', '0 18 * * mon-fri', '--args', '[true]'])

    expect(added.code).equal(0)
    expect(JSON.parse(added.stdout)).deep.include({ name: 'lamps', changed: true, enabled: true })
    expect(JSON.parse(added.stdout)).nested.include({ 'entry.task': 'house.lamps', 'entry.args[0]': true })
    expect(again.stdout).match(/^lamps: house\.lamps at 18:00 on Monday to Friday, next at \S+ \(it stood there just so\)$/m)
  })

  it('changes an entry only when told to', async () => {
    await run('schedule add lamps --task house.lamps --every 10m')

    const refused = await run('schedule add lamps --task house.lamps --every 5m')
    const replaced = await run('schedule add lamps --task house.lamps --every 5m --disabled --replace')
    const { entries } = await json<Listed>('schedule list')

    expect(refused.code).equal(2)
    expect(refused.stderr).contain('There is an entry "lamps" already').contain('--replace')
    expect(replaced.stdout).contain('every 5 minutes, disabled')
    expect(entries.find(({ name }) => name === 'lamps')).deep.include({ when: 'every 5 minutes', state: 'disabled', source: 'store' })
  })

  const WRONG: readonly (readonly [string, readonly string[], string])[] = [
    ['a day that never comes', ['--cron', '0 0 31 2 *'], 'entry "x": schedule.crontab: never fires'],
    ['an hour that does not exist', ['--cron', '0 25 * * *'], 'entry "x": schedule.crontab.hour: '],
    ['an unknown zone', ['--every', '5m', '--timezone', 'Mars/Olympus'], 'entry "x": timezone: '],
    ['a moment without offset', ['--at', '2099-01-01T00:00'], 'entry "x": schedule.at: '],
    ['a moment that is over', ['--at', '2020-01-01T00:00:00Z'], 'it is never due from now on'],
    ['a place that is none', ['--solar', 'sunset,51.5'], '--solar sunset,51.5 is no event and place'],
    ['arguments that are not JSON', ['--every', '5m', '--args', '[1'], '--args is not JSON'],
    ['arguments that are no list', ['--every', '5m', '--args', '{}'], 'entry "x": args: expected a list'],
    ['no time at all', [], 'every'],
    ['two of them', ['--every', '5m', '--cron', '* * * * *'], '--cron'],
  ]
  for (const [what, flags, said] of WRONG) {
    it(`refuses ${what} with exit code 2, and names it`, async () => {
      const { code, stdout, stderr } = await run(['schedule', 'add', 'x', '--task', 'a.b', ...flags])

      expect({ code, stdout }).deep.equal({ code: 2, stdout: '' })
      expect(stderr).contain(said)
    })
  }

  it('leaves entries of the settings to the settings, but for the switch and runs by hand', async () => {
    const added = await run('schedule add feeds --task kuma.feeds --every 5m --replace')
    const removed = await run('schedule remove feeds --yes')
    const disabled = await run('schedule disable feeds sitemaps')
    const { entries } = await json<Listed>('schedule list')

    expect([added.code, removed.code, disabled.code]).deep.equal([2, 2, 0])
    expect(added.stderr).contain('Entry "feeds" is declared in the settings or in code')
    expect(entries.map(({ state }) => state)).deep.equal(['disabled', 'disabled'])
    expect((await run('schedule enable feeds')).stdout).equal('feeds: enabled\n')
    expect((await json<Listed>('schedule list --enabled')).entries.map(({ name }) => name)).deep.equal(['feeds'])
  })

  it('asks before it removes, and refuses when there is nobody to ask', async () => {
    await run('schedule add lamps --task house.lamps --every 10m')

    const refused = await run('schedule remove lamps')
    const dry = await run('schedule remove lamps --dry-run')
    const removed = await run('schedule remove lamps --yes --json')

    expect([refused.code, dry.code, removed.code]).deep.equal([2, 0, 0])
    expect(refused.stderr).contain('There is nobody to ask')
    expect(dry.stderr).contain('Would remove the schedule entry lamps.')
    expect(JSON.parse(removed.stdout)).deep.equal({ removed: 1, names: ['lamps'] })
  })

  for (const command of [
    'next sitemap',
    'history sitemap',
    'run sitemap',
    'enable sitemap',
    'remove sitemap --yes',
    'why-not sitemap --at 05:00',
  ]) {
    it(`names the entry that was meant: ${command}`, async () => {
      const { code, stdout, stderr } = await run(`schedule ${command}`)

      expect({ code, stdout }).deep.equal({ code: 3, stdout: '' })
      expect(stderr).contain('There is no schedule entry "sitemap"').contain('Did you mean sitemaps?')
    })
  }

  it('runs an entry now: its message is sent, and its history tells', async () => {
    const { stdout } = await run('schedule run sitemaps')
    const id = stdout.trim()
    const queues = await json<readonly { queue: string; ready: number }[]>('queues -Q slow')
    const history = await json<readonly Readonly<Record<string, unknown>>[]>('schedule history sitemaps')

    expect(id).match(/^[\da-f-]{36}$/)
    expect(queues[0]).include({ queue: 'slow', ready: 1 })
    expect(history).lengthOf(1)
    expect(history[0]).deep.include({ outcome: 'by-hand', ids: [id], epoch: null })
    expect((await json<Listed>('schedule list')).entries[1]).deep.include({ runs: 1, open: [id] })
  })

  it('has no history before the first time, and says so with exit code 3', async () => {
    expect(await run('schedule history feeds --json')).deep.include({ code: 3, stdout: '[]\n' })
  })

  it('tells the next times on the wall clock of the zone, the day of the change of clocks too', async () => {
    await run(['schedule', 'add', 'night', '--task', 'a.b', '--cron', '30 1 * * *'])

    const autumn = await run('schedule next night -n 2 --after 2026-10-24T12:00')
    const spring = await json<{ times: readonly unknown[] }>('schedule next night -n 1 --after 2027-03-27T12:00')

    expect(autumn.stdout).match(/^2026-10-25T01:30:00\+01:00 .* this time comes twice: the first$/m)
    expect(autumn.stdout).match(/^2026-10-26T01:30:00\+00:00 .* -$/m)
    expect(spring.times).deep.equal([
      { due: '2027-03-28T01:00:00.000Z', sent: '2027-03-28T01:00:00.000Z', wall: '2027-03-28T02:00:00+01:00', clocks: 'after-gap' },
    ])
  })

  it('tells why an entry was not sent', async () => {
    await run('schedule run sitemaps')

    const missed = await json<Readonly<Record<string, unknown>>>('schedule why-not sitemaps --at 05:00')
    const otherTime = await run('schedule why-not sitemaps --at 2026-05-04T17:00')
    const wrong = await run('schedule why-not sitemaps --at noon')

    expect(missed).deep.include({ name: 'sitemaps', cause: 'no-leader', leader: null, timezone: 'Europe/London', enabled: true })
    expect(missed['answer']).contain('no beat ran')
    expect(otherTime.stdout).match(/^It was 2026-05-04 17:00 in Europe\/London, and hour 17 is not in '5'/)
    expect(wrong.code).equal(2)
  })

  it('makes what others have written harmless', async () => {
    await run(['schedule', 'add', 'evil\u001b[2J', '--task', 'a\u202eb', '--every', '5m'])

    const { stdout } = await run('schedule list')

    expect(stdout).contain('evil\\x1b[2J').contain('a\\u202eb').not.contain('\u001b')
  })

  describe('beside a beat that runs', () => {
    let beat: Process
    beforeEach(async () => {
      beat = new Process(process.execPath, [fileURLToPath(new URL('../../bin/tasks.js', import.meta.url)), 'beat'], {
        cwd: project.folder,
        env: { TASKS_BEAT_SCHEDULE: '{}' },
      })
      await beat.said(/leads/)
    })
    afterEach(() => beat.stop())

    const history = (limit: number) => json<readonly { due: string; node: string }[]>(`schedule history lamps --limit ${limit}`)

    it('edits are taken up while it runs, from the first time on', async () => {
      const added = JSON.parse((await run('schedule add lamps --task house.lamps --every 2s --json')).stdout) as { next: string }
      await eventually(async () => (await history(1)).length === 1)
      const [first] = await history(1)
      const { leader, entries } = await json<Listed>('schedule list')
      const why = await json<Readonly<Record<string, unknown>>>(`schedule why-not lamps --at ${first!.due}`)
      await run('schedule disable lamps')
      const { due: last } = (await history(1))[0]!

      expect((await history(100)).at(-1)!.due).equal(added.next)
      expect(leader).deep.include({ node: first!.node, epoch: 1 })
      expect(entries.find(({ name }) => name === 'lamps')).deep.include({ state: 'enabled', by: first!.node })
      expect(why).deep.include({ cause: 'sent' })
      await new Promise((resolve) => setTimeout(resolve, 2500))
      expect((await history(1))[0]!.due).equal(last)
    })
  })

  describe('with a wrong entry in the settings', () => {
    beforeEach(() => {
      project.remove()
      const wrong = { leap: { task: 'kuma.leap', schedule: '0 0 31 2 *' }, lost: { schedule: 5 } }
      project = aProject({ 'package.json': {}, '.taskrc': JSON.stringify({ beatSchedule: { ...SETTINGS.beatSchedule, ...wrong } }) })
    })

    it('lists the others, and this one as wrong', async () => {
      const { code, stdout } = await run('schedule list')

      expect(code).equal(0)
      expect(stdout).match(/^sitemaps .* enabled /m)
      expect(stdout).match(/^leap +- +entry "leap": schedule: never fires: .* wrong /m)
    })

    it('is refused by config check, which names entry and field, and where it stands', async () => {
      const { code, stderr } = await run('config check')

      expect(code).equal(2)
      expect(stderr).contain('2 settings are wrong').contain('beatSchedule: entry "leap": schedule: never fires')
      expect(stderr).contain('beatSchedule: entry "lost": task: is missing (beatSchedule in ')
    })

    it('is shown by config in words, without arguments', async () => {
      const { stdout } = await run('config beatSchedule')
      const document = await run('config beatSchedule --json')

      expect(stdout).contain('sitemaps at 05:00; feeds every 10 minutes; leap is wrong: see config check')
      expect(document.stdout).contain('kuma.feeds').not.contain('hunter2')
    })
  })
})
