import { expect } from 'chai'
import { openLog, textSink } from '../../src/cli/logging.js'
import { createLog, type LogLevel } from '../../src/log.js'
import { plain } from '../../src/terminal/colour.js'

const NOON = new Date(2026, 0, 2, 12, 4, 5, 678).getTime()

function aStream(isTTY = false) {
  const lines: string[] = []
  return { isTTY, lines, write: (text: string) => lines.push(text) }
}

const open = (format: 'auto' | 'text' | 'json', stream: ReturnType<typeof aStream>, level: LogLevel = 'debug') =>
  openLog({ level, format, stream, paint: plain, now: () => NOON })

describe('log lines', () => {
  it("look like Celery's on a terminal, with their fields behind", async () => {
    const stream = aStream(true)
    const log = await open('auto', stream)

    log.info('Task received', { task: 'kuma.add', id: '4c5f-1', args: [1, { a: 2n }], note: 'two words', missing: undefined })

    expect(stream.lines).deep.equal([
      '[2026-01-02 12:04:05,678: INFO/MainProcess] Task received task=kuma.add id=4c5f-1 args=[1,{"a":"2"}] note="two words"\n',
    ])
  })

  it('are JSON elsewhere, with the level as a word and the time in UTC', async () => {
    const stream = aStream()
    const log = (await open('auto', stream)).child({ node: 'celery@h' })

    log.warning('lease lost', { task: 'a\u001b[2J' })

    expect(stream.lines).length(1)
    expect(JSON.parse(stream.lines[0]!)).deep.equal({
      level: 'warning',
      time: new Date(NOON).toISOString(),
      pid: process.pid,
      node: 'celery@h',
      task: 'a\u001b[2J',
      msg: 'lease lost',
    })
    expect(stream.lines[0]).not.contain('\u001b')
  })

  it('stop at the level that was asked for', async () => {
    const stream = aStream(true)
    const log = await open('json', stream, 'error')

    log.info('no')
    log.critical('yes')

    expect(stream.lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).deep.equal(['yes'])
  })

  it('let nothing from the wire move the cursor or begin a line', () => {
    const stream = aStream(true)
    const log = createLog(
      'debug',
      textSink(stream, plain, () => NOON),
    )

    log.info('Task\u001b[1A received', { task: 'x\n[2026-01-02 00:00:00,000: INFO/MainProcess] forged', args: ['\u202e'] })

    expect(stream.lines[0]!.trimEnd().split('\n')).length(1)
    expect(stream.lines[0]).contain('Task\\x1b[1A received task="x\\n[2026').contain('args=["\\u202e"]')
  })

  it('have the stack of an error, and a traceback, below', () => {
    const stream = aStream(true)
    const log = createLog(
      'debug',
      textSink(stream, plain, () => NOON),
    )
    const error = new TypeError('no\u001b[2J number')
    error.stack = 'TypeError: no number\n    at add (tasks.ts:3:4)\u001b[2J'

    log.error('Task failed', { task: 'kuma.add', error, traceback: 'Traceback:\n  File "x.py"\n' })

    expect(stream.lines[0]).equal(
      [
        '[2026-01-02 12:04:05,678: ERROR/MainProcess] Task failed task=kuma.add error="TypeError: no\\u001b[2J number"',
        '    at add (tasks.ts:3:4)\\x1b[2J',
        'Traceback:',
        '  File "x.py"',
        '',
      ].join('\n'),
    )
  })

  for (const format of ['text', 'json'] as const) {
    it(`survive fields that cannot be shown, as ${format}`, async () => {
      const stream = aStream(true)
      const log = await open(format, stream)
      const loop: Record<string, unknown> = {}
      loop['self'] = loop
      const refuse = () => {
        throw new Error('no')
      }
      const error = new Error('odd')
      Object.defineProperty(error, 'stack', { get: refuse })

      log.info('odd', { loop, hostile: { toJSON: refuse }, error, big: 10n })

      expect(stream.lines).length(1)
    })
  }

  it('keep their own level, time and text apart from fields of that name', async () => {
    const stream = aStream()
    const log = await open('json', stream)

    log.info('text', { level: 'critical', msg: 'forged' })

    expect(JSON.parse(stream.lines[0]!)).include({ level: 'info', msg: 'text', level_: 'critical', msg_: 'forged' })
  })
})
