import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { exampleFile } from '../../src/config/example.js'
import { explain } from '../../src/config/explain.js'
import { loadSettings, resolveSettings, settingsOf } from '../../src/config/load.js'
import { allKeys, keysOf, variablesOf } from '../../src/config/names.js'
import { ROWS, type SettingName, type Settings, type SettingsInput } from '../../src/config/schema.js'
import { type AProject, aProject } from './a-project.js'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

describe('the table of settings', () => {
  it('gives the types of settings', () => {
    const holds: [
      Same<Settings['logLevel'], 'debug' | 'info' | 'warning' | 'error' | 'critical'>,
      Same<Settings['taskAcks'], 'late' | 'early'>,
      Same<Settings['workerConcurrency'], number | 'auto'>,
      Same<Settings['taskCompression'], 'zlib' | 'gzip' | 'brotli' | null>,
      Same<Settings['acceptContent'], readonly 'application/json'[]>,
      Same<Settings['resultExpires'], number>,
    ] = [true, true, true, true, true, true]
    const input: SettingsInput = {
      taskTimeLimit: '5m',
      taskQueues: ['a', { name: 'b' }],
      taskAcks: true,
      logLevel: 'warn',
      resultExpires: null,
    }
    // @ts-expect-error a number of workers is no text
    const wrong: SettingsInput = { workerConcurrency: 'many' }

    expect(holds).not.contain(false)
    expect([input, wrong]).length(2)
  })

  it('has no name that stands for two settings', () => {
    const names = [...ROWS.keys()]
    const keys = names.flatMap((name) => keysOf(name))
    const variables = names.flatMap((name) => variablesOf(name))

    expect(keys.length).equal(allKeys().size)
    expect(new Set(variables).size).equal(variables.length)
  })

  it('has defaults that its own kinds accept', () => {
    for (const [name, row] of ROWS) {
      const read = row.kind.read(row.default)
      expect(read, name).deep.include({ ok: true })
      expect(read.ok && read.value, name).deep.equal(row.default)
    }
  })

  it('is what .taskrc.example shows (UPDATE_EXAMPLE=1 writes it anew)', () => {
    const path = new URL('../../.taskrc.example', import.meta.url)
    if (process.env['UPDATE_EXAMPLE'] === '1') writeFileSync(path, exampleFile())

    expect(readFileSync(path, 'utf8')).equal(exampleFile())
  })

  describe('as an example file', () => {
    let project: AProject
    afterEach(() => project.remove())

    it('means the defaults, line by line', async () => {
      project = aProject({ '.taskrc': exampleFile().replace(/^#(?=\w)/gm, '') })

      const { settings, provenance } = await loadSettings({ cwd: project.folder, env: {} })

      expect(settings).deep.equal(settingsOf({}, project.folder))
      expect([...provenance].filter(([, { origin }]) => origin.layer === 'default').map(([name]) => name)).deep.equal([])
    })
  })

  describe('explained', () => {
    const layer = { candidates: new Map(), problems: [], warnings: [] }
    const sources = { cwd: '/', file: null, folder: '/', flags: layer, environment: layer, contents: layer }
    const explained = (code: SettingsInput, name: SettingName) => explain(resolveSettings(sources, code)).find((one) => one.name === name)

    it('shows each value with its origin and no secret', () => {
      const one = explained({ brokerUrl: 'redis://kuma:hunter2@h/0?password=hunter3' }, 'brokerUrl')

      expect(one).deep.equal({
        name: 'brokerUrl',
        value: 'redis://kuma:********@h/0?password=********',
        unit: null,
        layer: 'code',
        origin: 'brokerUrl in new Celerity(…)',
        overridden: [],
      })
    })

    it('says which other setting a value follows', () => {
      expect(explained({ brokerUrl: 'redis://:x@h' }, 'resultBackend')).deep.include({
        value: 'redis://:********@h',
        origin: 'as brokerUrl',
      })
    })

    it('shows that a route is a function', () => {
      expect(explained({ taskRoutes: [() => 'mail', { 'a.*': 'b' }] }, 'taskRoutes')?.value).deep.equal([
        '[function]',
        { 'a.*': { queue: 'b' } },
      ])
    })
  })
})
