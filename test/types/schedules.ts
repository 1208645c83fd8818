/** What the types of periodic tasks promise, held by the compiler: nothing here runs. */
import { Celerity, type CrontabSchedule, clocked, crontab, type ScheduleOptions, solar } from '../../src/index.js'

const app = new Celerity('kuma', {
  timezone: 'Europe/London',
  beatSchedule: {
    sitemaps: { task: 'kuma.sitemaps', schedule: { minute: 0, hour: 5 }, args: ['de'], options: { queue: 'slow', expires: '1h' } },
    feeds: { task: 'wiki.feeds', every: '10m', overlap: 'skip', misfire: 'all', misfireLimit: 3 },
    lamps: { task: 'house.lamps', schedule: { solar: { event: 'sunset', latitude: 51.5, longitude: -0.1 } } },
    launch: { task: 'kuma.launch', schedule: { at: '2027-01-01T00:00:00Z' }, timezone: 'Asia/Tokyo', enabled: false },
    report: { task: 'kuma.report', schedule: '0 5 * * mon-fri' },
    // @ts-expect-error no task
    nothing: { schedule: 600 },
    // @ts-expect-error no time
    never: { task: 'kuma.never' },
    // @ts-expect-error no such word
    odd: { task: 'kuma.odd', schedule: 600, overlap: 'sometimes' },
  },
})

const add = app.task('kuma.add', async (x: number, y: number) => x + y)
const build = app.task('kuma.sitemaps', async () => {})

export function schedules(): void {
  app.schedule('sitemaps', { every: crontab({ minute: 0, hour: 5 }), task: build.s() })
  app.schedule('feeds', { every: 600, task: 'wiki.feeds', args: [1], kwargs: { force: true }, jitter: '1m' })
  app.schedule('sums', { every: '*/5 * * * *', task: add.s(1, 2).set({ queue: 'slow' }), options: { priority: 3 } })
  app.schedule('lamps', { every: solar('sunset', 51.5, -0.1), task: build.si(), overlap: 'queue-one' })
  app.schedule('launch', { every: clocked('2027-01-01T00:00:00Z'), task: build.s(), timezone: 'Asia/Tokyo', start: new Date() })

  // @ts-expect-error an argument is missing
  app.schedule('sums', { every: 600, task: add.s(1) })
  // @ts-expect-error the task itself is no signature
  app.schedule('sums', { every: 600, task: build })
  // @ts-expect-error a signature holds its arguments
  app.schedule('sums', { every: 600, task: build.s(), args: [1] })
  // @ts-expect-error no span and no crontab
  app.schedule('sums', { every: 'often', task: build.s() })
  // @ts-expect-error no such event
  solar('midnight', 51.5, -0.1)
  // @ts-expect-error no such field
  crontab({ hours: 5 })
}

export const daily: CrontabSchedule = crontab({ minute: 0, hour: [5, '17-19/2'], dayOfWeek: 'mon-fri' })
export const options: ScheduleOptions = { every: daily, task: 'kuma.add', args: [1, 2] }
