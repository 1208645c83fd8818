import { expect } from 'chai'
import { type LoadOptions, loadSettings, settingsOf } from '../../src/config/load.js'
import { SettingsError } from '../../src/config/problem.js'
import type { Settings, SettingsInput } from '../../src/config/schema.js'
import { type AProject, aProject } from './a-project.js'

describe('loading settings', () => {
  let project: AProject
  afterEach(() => project?.remove())

  const load = (files: Record<string, string | object>, options: Partial<LoadOptions> = {}, code?: SettingsInput) => {
    project = aProject({ 'package.json': {}, ...files })
    return loadSettings({ cwd: project.folder, env: {}, ...options }, code)
  }
  const refusal = async (...args: Parameters<typeof load>): Promise<SettingsError> => {
    const error: unknown = await load(...args).then(
      () => null,
      (one: unknown) => one,
    )
    expect(error).instanceOf(SettingsError)
    return error as SettingsError
  }

  it('lets a flag win over the environment, that over the file, that over the code, and says what lost', async () => {
    const { settings, provenance } = await load(
      { '.taskrc': 'workerConcurrency: 3' },
      { flags: { concurrency: '1' }, env: { TASKS_WORKER_CONCURRENCY: '2' } },
      { workerConcurrency: 5 },
    )

    expect(settings.workerConcurrency).equal(1)
    expect(provenance.get('workerConcurrency')).deep.equal({
      origin: { layer: 'flag', name: '--concurrency' },
      overridden: [
        { origin: { layer: 'environment', name: 'TASKS_WORKER_CONCURRENCY' }, value: 2 },
        { origin: { layer: 'file', path: project.path('.taskrc'), key: 'workerConcurrency' }, value: 3 },
        { origin: { layer: 'code', key: 'workerConcurrency' }, value: 5 },
      ],
    })
  })

  it('takes the default where nobody said anything', async () => {
    const { settings, provenance } = await load({})

    expect(settings).include({ workerConcurrency: 4, taskAlwaysEager: false, logLevel: 'info', taskDefaultRetryDelay: 180 })
    expect(provenance.get('workerConcurrency')).deep.equal({ origin: { layer: 'default' }, overridden: [] })
  })

  it('freezes what it gives', async () => {
    const { settings } = await load({})

    expect(Object.isFrozen(settings)).equal(true)
  })

  const historic: [variable: string, text: string, name: keyof Settings, value: unknown][] = [
    ['TASKS_BROKER_URL', 'redis://r/1', 'brokerUrl', 'redis://r/1'],
    ['CELERY_BROKER_URL', 'redis://r/1', 'brokerUrl', 'redis://r/1'],
    ['BROKER_URL', 'redis://r/1', 'brokerUrl', 'redis://r/1'],
    ['CELERY_TASK_ALWAYS_EAGER', 'True', 'taskAlwaysEager', true],
    ['CELERY_ALWAYS_EAGER', '1', 'taskAlwaysEager', true],
    ['CELERY_EAGER_PROPAGATES_EXCEPTIONS', 'on', 'taskEagerPropagates', true],
    ['CELERY_WORKER_CONCURRENCY', '10', 'workerConcurrency', 10],
    ['CELERYD_CONCURRENCY', 'auto', 'workerConcurrency', 'auto'],
    ['CELERY_TASK_RESULT_EXPIRES', '1h', 'resultExpires', 3600],
    ['CELERY_TASK_ACKS_LATE', 'false', 'taskAcks', 'early'],
    ['CELERY_ROUTES', '{"mail.*": "mail"}', 'taskRoutes', [{ 'mail.*': { queue: 'mail' } }]],
    ['CELERY_ANNOTATIONS', '{"*": {"rate_limit": "120/m"}}', 'taskAnnotations', { '*': { rateLimit: '120/m' } }],
    ['CELERYD_LOG_LEVEL', 'INFO', 'logLevel', 'info'],
    ['TASKS_LOG_LEVEL', 'Warn', 'logLevel', 'warning'],
    ['TASKS_TASK_QUEUES', 'mail, slow', 'taskQueues', [{ name: 'mail' }, { name: 'slow' }]],
    ['CELERYD_TASK_TIME_LIMIT', '90', 'taskTimeLimit', 90],
    ['TASKS_TASK_TIME_LIMIT', 'none', 'taskTimeLimit', null],
  ]
  for (const [variable, text, name, value] of historic) {
    it(`reads ${variable}=${text} from the environment`, async () => {
      const { settings } = await load({}, { env: { [variable]: text } })

      expect(settings[name]).deep.equal(value)
    })
  }

  it("accepts Celery's spelling of keys in a file, old and new", async () => {
    const { settings } = await load({
      '.taskrc': {
        broker_url: 'redis://h',
        taskAcksLate: false,
        CELERY_ALWAYS_EAGER: true,
        brokerTransportOptions: { global_keyprefix: 'k:' },
      },
    })

    expect(settings).deep.include({
      brokerUrl: 'redis://h',
      taskAcks: 'early',
      taskAlwaysEager: true,
      brokerTransportOptions: { globalKeyprefix: 'k:' },
    })
  })

  it('lets the newer of two names win and says so once', async () => {
    const env = { CELERY_BROKER_URL: 'redis://new', BROKER_URL: 'redis://old', CELERYD_CONCURRENCY: '2', CELERY_WORKER_CONCURRENCY: '2' }

    const { settings, warnings } = await load({}, { env })

    expect(settings.brokerUrl).equal('redis://new')
    expect(warnings).deep.equal([
      'CELERY_BROKER_URL in the environment and BROKER_URL in the environment disagree: the first, the newer name, counts',
    ])
  })

  it('counts an empty variable as not set', async () => {
    const { settings } = await load({ '.taskrc': 'workerConcurrency: 3' }, { env: { TASKS_WORKER_CONCURRENCY: '' } })

    expect(settings.workerConcurrency).equal(3)
  })

  it('says when a variable looks misspelt, and is silent about those of others', async () => {
    const env = { TASKS_BROKER_ULR: 'redis://h', TASKS_PORT_6379_TCP: 'tcp://10.0.0.1:6379', TASKS_SERVICE_HOST: '10.0.0.1', TASKS_UI: 'x' }

    const { warnings } = await load({}, { env })

    expect(warnings).deep.equal(['TASKS_BROKER_ULR in the environment sets nothing; did you mean TASKS_BROKER_URL?'])
  })

  it('reports everything that is wrong at once, with key, source, what was expected and the nearest name', async () => {
    const error = await refusal(
      { '.taskrc': { workerConcurency: 3, taskRoutes: { 'a.*': { queu: 'x' } }, task_serializer: 'json' } },
      { env: { TASKS_WORKER_CONCURRENCY: 'many' } },
      { taskTimeLimit: -1 },
    )

    const file = project.path('.taskrc')
    expect(error.exit).equal(2)
    expect(error.message.split('\n')).deep.equal([
      '5 settings are wrong:',
      `  workerConcurency: no such setting, did you mean workerConcurrency? (${file})`,
      `  task_serializer: a setting of Celery that does not exist here: tasks are always sent as JSON (${file})`,
      `  taskRoutes.a.*.queu: expected one of the fields queue, priority, got an unknown one (did you mean queue?) (taskRoutes in ${file})`,
      "  taskTimeLimit: expected a span such as 90, '90s', '5m' or '2h', at least 0.001 s, or null, got -1 (taskTimeLimit in new Celerity(…))",
      '  workerConcurrency: expected a whole number from 1 to 10000, or auto, got "many" (TASKS_WORKER_CONCURRENCY in the environment)',
    ])
  })

  it('shows no password in what it complains about', async () => {
    const error = await refusal({ '.taskrc': { brokerUrl: ['redis://:hunter2@h'], acceptContent: 'redis://u:hunter2@h' } })

    expect(error.message).not.contain('hunter2')
    expect(error.message).contain('********')
  })

  it('takes no text for a number or a switch in a file', async () => {
    const error = await refusal({ '.taskrc': { workerConcurrency: '4', taskAlwaysEager: 'true' } })

    expect(error.problems.map(({ key }) => key)).deep.equal(['taskAlwaysEager', 'workerConcurrency'])
  })

  it('refuses to decode what can run code', async () => {
    const error = await refusal({ '.taskrc': { acceptContent: ['json', 'pickle'] } })

    expect(error.message).contain('acceptContent[1]: expected application/json, got "pickle"')
  })

  describe('of SQLite', () => {
    it('puts the default into the folder of the settings file, wherever the command runs', async () => {
      const { settings } = await load({ '.taskrc': '', 'web/src/x': '' }, {}).then(() =>
        loadSettings({ cwd: project.path('web', 'src'), env: {} }),
      )

      expect(settings.brokerUrl).equal(`sqlite:${project.path('.tasks/tasks.db')}`)
      expect(settings.resultBackend).equal(settings.brokerUrl)
    })

    it('else into the nearest package', async () => {
      const { settings } = await load({ 'web/package.json': {}, 'web/src/x': '' }).then(() =>
        loadSettings({ cwd: project.path('web', 'src'), env: {} }),
      )

      expect(settings.brokerUrl).equal(`sqlite:${project.path('web/.tasks/tasks.db')}`)
    })

    it('gives a relative file of any source the same meaning', async () => {
      const { settings } = await load(
        { '.taskrc': '' },
        { flags: { broker: 'sqlite:q.db' }, env: { TASKS_RESULT_BACKEND: 'sqlite:/abs/r.db' } },
      )

      expect(settings.brokerUrl).equal(`sqlite:${project.path('q.db')}`)
      expect(settings.resultBackend).equal('sqlite:/abs/r.db')
    })

    it('refuses to put it into whatever folder is the current one', () => {
      expect(() => settingsOf({})).throw(SettingsError, 'brokerUrl: .tasks/tasks.db is relative, and neither a settings file')
    })
  })

  describe('for results', () => {
    const cases: [input: SettingsInput, expected: string | null][] = [
      [{ brokerUrl: 'redis://h/0' }, 'redis://h/0'],
      [{ brokerUrl: 'memory://m' }, 'memory://m'],
      [{ brokerUrl: 'amqp://h' }, null],
      [{ brokerUrl: 'redis://h/0', resultBackend: 'redis://h/1' }, 'redis://h/1'],
      [{ brokerUrl: 'redis://h/0', resultBackend: 'disabled' }, null],
      [{ brokerUrl: 'redis://h/0', resultBackend: null }, null],
    ]
    for (const [input, expected] of cases) {
      it(`uses ${expected ?? 'no store'} with ${JSON.stringify(input)}`, () => {
        expect(settingsOf(input).resultBackend).equal(expected)
      })
    }
  })

  it('reads paths in a file from there, and paths in a flag or variable from the current folder', async () => {
    const files = { '.taskrc': 'app: src/tasks.ts\nimports: [src/*.ts]', 'web/x': '' }
    await load(files)
    const web = project.path('web')

    const fromFile = await loadSettings({ cwd: web, env: {} })
    const fromFlag = await loadSettings({ cwd: web, env: {}, flags: { app: '../other.ts' } })

    expect(fromFile.settings.app).equal(project.path('src/tasks.ts'))
    expect(fromFile.settings.imports).deep.equal([project.path('src/*.ts')])
    expect(fromFlag.settings.app).equal(project.path('other.ts'))
  })
})
