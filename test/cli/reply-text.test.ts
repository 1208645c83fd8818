import { expect } from 'chai'
import { isRefusal, onlineText, replyText } from '../../src/cli/reply-text.js'
import { parseJson } from '../../src/protocol/json.js'
import { plain } from '../../src/terminal/colour.js'

const NODE = 'w1@host1'
const text = (value: unknown) => replyText(NODE, value, plain)

const INFO = {
  id: '43da3c16-f405-4ba3-91c7-cd03d4bed443',
  name: 'proj.tasks.sleeper',
  args: [60],
  kwargs: {},
  type: 'proj.tasks.sleeper',
  hostname: NODE,
  time_start: 1795330130.9495258,
  acknowledged: true,
  delivery_info: { exchange: '', routing_key: 'celery', priority: 0, redelivered: false },
  worker_pid: 622,
}

/** Each second value is what `celery` 5.6.3 printed. */
const PRINTED: readonly [value: unknown, printed: string][] = [
  [{ ok: 'pong' }, '->  w1@host1: OK\n        pong'],
  [[], '->  w1@host1: OK\n    - empty -'],
  [
    [INFO],
    "->  w1@host1: OK\n    * {'id': '43da3c16-f405-4ba3-91c7-cd03d4bed443', 'name': 'proj.tasks.sleeper', 'args': [60], 'kwargs': {}, " +
      "'type': 'proj.tasks.sleeper', 'hostname': 'w1@host1', 'time_start': 1795330130.9495258, 'acknowledged': True, 'delivery_info': " +
      "{'exchange': '', 'routing_key': 'celery', 'priority': 0, 'redelivered': False}, 'worker_pid': 622}",
  ],
  [
    ['proj.tasks.add', 'proj.tasks.limited [rate_limit=10/m]'],
    '->  w1@host1: OK\n    * proj.tasks.add\n    * proj.tasks.limited [rate_limit=10/m]',
  ],
  [{ clock: 84 }, '->  w1@host1: OK\n    {\n        "clock": 84\n    }'],
  [{}, '->  w1@host1: OK\n    {}'],
  [{ pool: { a: [0], 'b-c': 'N/A' }, clock: '89' }, sortedStats()],
  [null, '->  w1@host1: OK\n    None'],
  [{ error: "ValueError('Autoscale not enabled')" }, "->  w1@host1: ERROR\n        ValueError('Autoscale not enabled')"],
  [
    { ok: '\nsoftware -> celery:5.6.3\n            billiard' },
    '->  w1@host1: OK\n        \n        software -> celery:5.6.3\n                    billiard',
  ],
  [
    [{ eta: null, text: `it's "so"`, path: 'a\\b', s: "it's" }],
    String.raw`->  w1@host1: OK
    * {'eta': None, 'text': 'it\'s "so"', 'path': 'a\\b', 's': "it's"}`,
  ],
]

function sortedStats(): string {
  return `->  w1@host1: OK
    {
        "clock": "89",
        "pool": {
            "a": [
                0
            ],
            "b-c": "N/A"
        }
    }`
}

describe('answers of workers as text', () => {
  for (const [value, printed] of PRINTED) {
    it(`are printed as Celery does: ${JSON.stringify(value).slice(0, 60)}`, () => expect(text(value)).to.equal(printed))
  }

  it('count who is there', () => {
    expect([onlineText(1), onlineText(2)]).to.deep.equal(['\n1 node online.', '\n2 nodes online.'])
  })

  it('are printed whole, however deep and long', () => {
    const deep = [{ a: [{ b: [{ c: [{ d: 'x'.repeat(5_000) }] }] }] }]

    expect(text(deep)).to.contain(`{'a': [{'b': [{'c': [{'d': '${'x'.repeat(5_000)}'}]}]}]}`)
  })

  it('show numbers that JSON has not', () => {
    expect(text(parseJson('{"a": Infinity, "b": [NaN, 18446744073709551616]}')))
      .to.contain('"Infinity"')
      .contain('"NaN"')
      .contain('18446744073709551616')
  })

  it('let nothing through that a terminal would obey', () => {
    for (const value of [
      '\x1b[2J',
      ['\x1b[2J'],
      [{ a: '\x1b[2J\u202e' }],
      { ok: '\x1b[2J' },
      { error: '\x1b]0;x\x07' },
      { '\x1b': '\x1b' },
    ]) {
      expect(replyText('evil\x1b[2J\nnode', value, plain).replaceAll('\n', '')).to.match(/^[\x20-\x7e]*$/)
    }
  })

  it('tell a refusal from an answer', () => {
    expect([{ error: 'x' }, { ok: 1, error: 'x' }, 'error', null, [{ error: 1 }]].map(isRefusal)).to.deep.equal([
      true,
      false,
      false,
      false,
      false,
    ])
  })
})
