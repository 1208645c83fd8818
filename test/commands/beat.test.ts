import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Process } from '../interop/process.js'
import { type Ended, runTasks } from './run-tasks.js'

const CELERITY = new URL('../../dist/src/index.js', import.meta.url).href
const BIN = fileURLToPath(new URL('../../bin/tasks.js', import.meta.url))

const APP = `
import { writeFileSync } from 'node:fs'
import { Celerity } from '${CELERITY}'
const app = new Celerity('app', { beatLease: 2 })
export default app
const touch = app.task('app.touch', (file) => writeFileSync(file, 'done'))
app.schedule('often', { every: 0.2, task: touch.s('touched') })
app.schedule('elsewhere', { every: '1h', task: 'python.task' })
`

describe('tasks beat', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'celerity-beat-'))
    await writeFile(join(folder, 'app.mjs'), APP)
    const wrong = { task: 'app.touch', schedule: '0 0 31 2 *' }
    await writeFile(join(folder, '.taskrc'), JSON.stringify({ app: 'app.mjs', beatSchedule: { wrong } }))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const run = (line: string): Promise<Ended> => runTasks(line, { cwd: folder })
  const start = (...words: string[]) => new Process(process.execPath, [BIN, ...words], { cwd: folder, env: {} })

  it('with --once, plans what is new, sends what is due, says what is wrong, and ends', async () => {
    const first = await run('beat --once --log-format json')
    await wait(300)
    const second = await run('beat --once --log-format text')

    expect([first.code, second.code]).to.deep.equal([0, 0])
    const lines = first.stderr.trim().split('\n').map((line) => JSON.parse(line) as { level: string; msg: string; entry?: string }) // biome-ignore format: one step
    expect(lines.find(({ entry }) => entry === 'wrong')).to.deep.include({ level: 'error' })
    expect(lines.find(({ level }) => level === 'warning')?.msg).to.include('python.task, which this application does not register')
    expect(second.stderr).to.match(/Sending due task often \(app\.touch\)/)
    expect(second.stderr).to.include('[declared entries]\n  . elsewhere\n  . often\n')
  })

  it('leads until it is told to stop, shows its health, and leaves no pidfile', async () => {
    const beat = start('beat', '--pidfile', 'beat.pid', '--health-port', '0', '--log-format', 'json')
    try {
      await beat.said(/Sending due task often/)
      const port = /"port":(\d+)/.exec(beat.lines.join('\n'))?.[1]
      const health = await (await fetch(`http://127.0.0.1:${port}/ready`)).json()
      expect(health).to.include({ ready: true, leads: true })

      expect(await beat.stop()).to.equal(0)
      expect((await run('beat --once --pidfile beat.pid')).code).to.equal(0)
    } finally {
      await beat.stop()
    }
  })

  it('runs beside a worker with --beat, and stops with it', async () => {
    const worker = start('worker', '--beat', '--log-format', 'json')
    try {
      await worker.said(/Task app\.touch\[[^\]]+\] succeeded/)

      expect(await worker.stop()).to.equal(0)
      // It has given the lead up: nobody has to wait for the lease.
      expect((await run('beat --once --log-format json')).stderr).to.include('leads, epoch 2')
    } finally {
      await worker.stop()
    }
  })
})
