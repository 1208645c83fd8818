import { expect } from 'chai'
import { Session, type SessionOptions } from '../../src/cli/session.js'
import { silentLog } from '../../src/log.js'
import { type AProject, aProject } from '../config/a-project.js'

/** An application in plain JavaScript, known by its mark, that remembers what it was configured with. */
const APP = `
const app = {
  [Symbol.for('celerity.app')]: true,
  name: 'kuma',
  declared: { brokerUrl: 'memory://of-the-code', workerConcurrency: 9 },
  configure(settings) { this.settings = settings },
  broker: async () => ({ name: 'the broker of the application' }),
  close: async () => { app.closed = true },
}
export default app
`

describe('the session of a command', () => {
  let project: AProject
  let warnings: string[]
  const sessions: Session[] = []
  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close()
    project.remove()
  })

  function open(files: Record<string, string | object>, options: Partial<SessionOptions> = {}): Session {
    project = aProject({ 'package.json': {}, ...files })
    warnings = []
    const session = new Session({
      cwd: project.folder,
      env: {},
      flags: {},
      file: undefined,
      warn: (text) => warnings.push(text),
      openLog: () => Promise.resolve(silentLog),
      ...options,
    })
    sessions.push(session)
    return session
  }

  it('counts what the code of the application says, below the settings file', async () => {
    const session = open({ 'tasks.mjs': APP, '.taskrc': 'app: tasks.mjs\nworkerConcurrency: 2' })

    const settings = await session.settings()
    const app: unknown = await session.app()

    expect(settings).include({ brokerUrl: 'memory://of-the-code', workerConcurrency: 2 })
    expect(app).include({ name: 'kuma', settings })
  })

  it("uses the application's own broker, and closes the application at the end", async () => {
    const session = open({ 'tasks.mjs': APP, '.taskrc': 'app: tasks.mjs' })

    const broker: unknown = await session.broker()
    const app: unknown = await session.app()
    await session.close()

    expect(broker).deep.equal({ name: 'the broker of the application' })
    expect(app).include({ closed: true })
  })

  it('opens a broker of its own where there is no application', async () => {
    const session = open({}, { flags: { broker: 'memory://session-test' } })

    const broker = await session.broker()

    expect(await session.broker()).equal(broker)
    expect(await broker.queues.names()).deep.equal([])
  })

  it('says where it looked when a command needs an application and nobody names one', async () => {
    const session = open({ '.taskrc': 'logLevel: debug' })

    const error: unknown = await session.app().catch((one: unknown) => one)

    expect(error).include({ code: 'E_APP_MISSING' })
    expect((error as Error).message).contain(project.path('.taskrc'))
  })

  it('goes on without a broken application where the broker is known all the same, and says so once', async () => {
    const session = open({ 'tasks.mjs': 'throw new Error("no database")' }, { flags: { app: 'tasks.mjs', broker: 'memory://other' } })

    const settings = await session.settings()
    await session.broker()
    const error: unknown = await session.app().catch((one: unknown) => one)

    expect(settings.brokerUrl).equal('memory://other')
    expect(warnings).length(1)
    expect(warnings[0]).contain('no database')
    expect(error).include({ code: 'E_APP_LOAD' })
  })

  it('never takes another broker for that of a broken application', async () => {
    const session = open({ 'tasks.mjs': 'throw new Error("no database")' }, { flags: { app: 'tasks.mjs' } })

    const error: unknown = await session.broker().catch((one: unknown) => one)

    expect(error).include({ code: 'E_APP_LOAD' })
  })

  it('can show the settings of a broken application all the same', async () => {
    const session = open({ 'tasks.mjs': 'throw new Error("no database")' }, { flags: { app: 'tasks.mjs', concurrency: '7' } })

    const { settings } = await session.loaded()

    expect(settings.workerConcurrency).equal(7)
    expect(warnings).length(1)
  })

  it('says what is odd about the settings once', async () => {
    const env = { CELERY_BROKER_URL: 'memory://a', BROKER_URL: 'memory://b' }
    const session = open({}, { env })

    await session.settings()
    await session.broker()

    expect(warnings).length(1)
  })

  it('refuses results where none are kept', async () => {
    const session = open({}, { flags: { broker: 'memory://x', 'result-backend': 'disabled' } })

    const error: unknown = await session.results().catch((one: unknown) => one)

    expect(error).include({ code: 'E_RESULTS_DISABLED' })
  })
})
