import { expect } from 'chai'
import { explain } from '../../src/config/explain.js'
import { loadSettings } from '../../src/config/load.js'
import { crontab } from '../../src/protocol/schedule.js'
import { type AProject, aProject } from './a-project.js'

describe('settings of periodic tasks', () => {
  let project: AProject
  afterEach(() => project.remove())

  const load = (files: Parameters<typeof aProject>[0], env: Record<string, string> = {}, code = {}) => {
    project = aProject({ 'package.json': {}, ...files })
    return loadSettings({ cwd: project.folder, env }, code)
  }
  const failure = (loading: Promise<unknown>) =>
    loading.then(
      () => 'it loaded',
      (error: Error) => error.message,
    )

  it("are known by Celery's names", async () => {
    const { settings } = await load(
      { '.taskrc': 'timezone: Asia/Tokyo\nbeat_schedule: { feeds: { task: wiki.feeds, schedule: 600.0 } }' },
      { CELERYBEAT_MAX_LOOP_INTERVAL: '5', TASKS_BEAT_LEASE: '3s' },
    )

    expect(settings).to.deep.include({ timezone: 'Asia/Tokyo', beatMaxInterval: 5, beatLease: 3 })
    expect(settings.beatSchedule).to.deep.equal({ feeds: { task: 'wiki.feeds', schedule: 600 } })
  })

  it('take schedules from the environment as JSON, and from code as crontab() makes them', async () => {
    const schedule = { sitemaps: { task: 'kuma.sitemaps', schedule: crontab({ minute: 0, hour: 5 }) } }

    const fromCode = await load({}, {}, { beatSchedule: schedule })
    project.remove()
    const fromEnvironment = await load(
      {},
      { CELERY_BEAT_SCHEDULE: '{"feeds": {"task": "wiki.feeds", "schedule": "10m"}}' },
      { beatSchedule: schedule },
    )

    expect(fromCode.settings.beatSchedule).to.deep.equal(schedule)
    expect(Object.keys(fromEnvironment.settings.beatSchedule)).to.deep.equal(['feeds'])
  })

  it('name an unknown time zone, and a schedule that is none', async () => {
    expect(await failure(load({ '.taskrc': 'timezone: Mars/Olympus' }))).to.match(
      /^timezone: expected a time zone such as .*"Mars\/Olympus"/,
    )
    project.remove()
    expect(await failure(load({ '.taskrc': 'beatSchedule: [1]' }))).to.match(/^beatSchedule: expected entries by name/)
  })

  it('load with a wrong entry: it keeps no worker from starting', async () => {
    const { settings } = await load({ '.taskrc': 'beatSchedule: { leap: { task: a, schedule: "0 0 31 2 *" } }' })

    expect(Object.keys(settings.beatSchedule)).to.deep.equal(['leap'])
  })

  it('are shown without arguments and headers', async () => {
    const loaded = await load({
      '.taskrc': JSON.stringify({
        beatSchedule: {
          feeds: {
            task: 'wiki.feeds',
            schedule: 600,
            args: ['hunter2'],
            kwargs: { key: 'hunter2' },
            options: { queue: 'q', headers: { a: 'hunter2' } },
          },
          odd: 'hunter2',
        },
      }),
    })

    const shown = explain(loaded).find(({ name }) => name === 'beatSchedule')!.value
    expect(shown).to.deep.include({ feeds: { task: 'wiki.feeds', schedule: 600, options: { queue: 'q' } } })
  })
})
