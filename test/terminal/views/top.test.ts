import { expect } from 'chai'
import fc from 'fast-check'
import { safe } from '../../../src/terminal/safe.js'
import type { Intent, TopData, TopTask, TopWorker } from '../../../src/terminal/views/top/data.js'
import { press } from '../../../src/terminal/views/top/press.js'
import { initialState, type TopState } from '../../../src/terminal/views/top/state.js'
import { type Shown, show, type TopView } from '../../../src/terminal/views/top/view.js'
import { widthOf } from '../../../src/terminal/width.js'

const NOW = 1_800_000_000
const SIZE = { columns: 100, rows: 12 }

describe('the screen of tasks top', () => {
  describe('lists', () => {
    it('shows tasks, what runs first, with their columns', () => {
      const { view } = aScreen({
        tasks: [
          aTask('1', { state: 'SUCCESS', result: "'done'", runtime: 0.25, stateAt: NOW - 1 }),
          aTask('2', { state: 'STARTED', startedAt: NOW - 90, stateAt: NOW - 90, worker: 'w1@a' }),
        ],
      })

      expect(view.head).match(/AGE STATE▾ +TASK +ID +WORKER +QUEUE +RUN WHAT/)
      expect(lines(view)[0]).match(/^> +1m30s STARTED +t\.task +2 +w1@a +celery +1m30s \(1, 2\)/)
      expect(lines(view)[1]).match(/^ +1s SUCCESS +t\.task +1 +w@h +celery +250ms 'done'/)
    })

    it('says how many there are of everything, and what is wrong before that', () => {
      const { view } = aScreen({ tasks: [aTask('1')], workers: [aWorker('w@h')], trouble: 'No news from the broker' })

      expect(view.summary.text).match(/^No news from the broker {2}1 worker · 1 running · 0 waiting/)
      expect(view.tabs.map(({ text }) => text)).deep.equal([' 1 tasks 1 ', ' 2 workers 1 ', ' 3 queues 0 '])
    })

    it('shows workers and queues on the other tabs', () => {
      const data = {
        workers: [aWorker('w@h', { isAlive: false, queues: ['mail'] })],
        queues: [{ queue: 'mail', ready: 5, steps: [2, 3, 0, 0] as const, delayed: 1, suspects: 0, leased: 2, dead: 3, consumers: 1 }],
      }

      expect(lines(aScreen(data, 'tab').view)[0]).match(/^> w@h +offline +3 +100 +0\.50 1\.00 2\.00 +1s celerity 0\.1 +mail/)
      expect(lines(aScreen(data, '3').view)[0]).match(/^> mail +5 +1 +2 +3 +1 2 3 0 0/)
      expect(aScreen(data, 'shift-tab').state.tab).equal('queues')
    })

    it('orders by the next column with s, and the other way round with S', () => {
      const tasks = [aTask('a', { name: 't.b' }), aTask('b', { name: 't.a' })]

      expect(lines(aScreen({ tasks }, 's').view)[0]).contain('t.a')
      expect(lines(aScreen({ tasks }, 's', 'S').view)[0]).contain('t.b')
      expect(aScreen({ tasks }, 's').view.foot.text).equal('Ordered by TASK.')
    })

    it('takes columns away where the terminal is narrow, the name of a task last', () => {
      const heads = [100, 80, 60, 40, 24].map((columns) => {
        const { view } = show(initialState('tasks', ''), data({ tasks: [aTask('1')] }), { columns, rows: 10 })
        return view.head.trim().split(/\s+/).length
      })

      expect(heads).deep.equal([8, 6, 4, 3, 1])
    })
  })

  describe('choosing', () => {
    const tasks = Array.from({ length: 50 }, (_, index) => aTask(String(index).padStart(2, '0'), { stateAt: NOW - index }))
    const chosen = (...keys: readonly string[]) =>
      /^> .* (\d\d) /.exec(
        lines(aScreen({ tasks }, ...keys).view)
          .join('\n')
          .replace(/^ .*\n?/gm, ''),
      )?.[1]

    it('moves with j and k, arrows, pages, and to the ends', () => {
      expect(chosen()).equal('00')
      expect(chosen('j', 'down', 'k')).equal('01')
      expect(chosen('pagedown')).equal('08')
      expect(chosen('G')).equal('49')
      expect(chosen('end', 'pageup')).equal('41')
      expect(chosen('end', 'g')).equal('00')
    })

    it('stays with its line when others come, and with the first when that was not left', () => {
      const more = [aTask('new', { stateAt: NOW + 1 }), ...tasks]
      const moved = aScreen({ tasks }, 'j')
      const still = aScreen({ tasks })

      expect(again(moved, { tasks: more }).page.listing.index).equal(2)
      expect(again(still, { tasks: more }).page.listing.items[0]?.key).equal('new')
      expect(again(still, { tasks: more }).page.listing.index).equal(0)
    })

    it('hands the choice to the line in its place when a line goes', () => {
      const moved = aScreen({ tasks }, 'j', 'j')

      const after = again(moved, { tasks: tasks.filter(({ id }) => id !== '02') })

      expect(after.page.listing.items[after.page.listing.index]?.key).equal('03')
    })
  })

  describe('filter', () => {
    const tasks = [aTask('1', { name: 't.mail', state: 'FAILURE', exception: 'SmtpError' }), aTask('2'), aTask('3', { name: 't.mail' })]

    it('shows as it is typed, by name, state, worker, error; all words count', () => {
      expect(lines(aScreen({ tasks }, '/', ...'MAIL').view)).length(2)
      expect(lines(aScreen({ tasks }, '/', ...'mail smtp').view)).length(1)
      expect(aScreen({ tasks }, '/', ...'mail').view.foot.text).equal('/mail▏')
    })

    it('is kept by Enter, taken back by Escape, and off by Escape afterwards', () => {
      expect(aScreen({ tasks }, '/', ...'mail', 'enter').view.foot.text).match(/^\/mail: 2 of 3/)
      expect(aScreen({ tasks }, '/', ...'mail', 'escape').state.filter).equal('')
      expect(aScreen({ tasks }, '/', ...'mail', 'enter', 'escape').state.filter).equal('')
      expect(aScreen({ tasks }, '/', ...'ab', 'backspace').state.filter).equal('a')
    })
  })

  describe('detail', () => {
    const failed = aTask('1', {
      state: 'FAILURE',
      exception: "ValueError('x')",
      traceback: 'Traceback:\n  File "a.py"\nValueError: x',
      tries: [{ at: NOW - 5, clock: 1, outcome: 'retried', exception: 'Timeout()', traceback: null, worker: 'w@h', runtime: 1 }],
    })

    it('has all that is known: error, traceback, tries, times, and the command that tells more', () => {
      const { view } = aScreen({ tasks: [failed] }, 'i')
      const text = [...lines(view), ...lines(aScreen({ tasks: [failed] }, 'i', 'G').view)].join('\n')

      expect(view.head).equal('Task t.task 1')
      expect(text)
        .contain("Error       ValueError('x')")
        .contain('  File "a.py"')
        .match(/More +tasks show 1/)
      expect(text).match(/Try 1 +retried .*: Timeout\(\)/)
    })

    it('of t is the traceback alone, of r the result', () => {
      expect(lines(aScreen({ tasks: [failed] }, 't').view)[2]).equal('ValueError: x')
      expect(lines(aScreen({ tasks: [aTask('1', { result: '42' })] }, 'r').view)).deep.equal(['42'])
    })

    it('stays when the list forgets the task, and is left with Escape', () => {
      const open = aScreen({ tasks: [failed] }, 'i')

      expect(again(open, { tasks: [] }).view.head).equal('Task t.task 1')
      expect(aScreen({ tasks: [failed] }, 'i', 'escape').view.head).contain('STATE')
    })

    it('of a worker lists what it runs, of a queue who consumes it', () => {
      const queue = { queue: 'mail', ready: 0, steps: [0, 0, 0, 0] as const, delayed: 0, suspects: 0, leased: 0, dead: 0, consumers: 1 }
      const all = { tasks: [aTask('9')], workers: [aWorker('w@h', { queues: ['mail'] })], queues: [queue] }

      expect(lines(aScreen(all, '2', 'enter', 'G').view).join('\n')).match(/Running now: 3\n +STARTED .* t\.task +9/)
      expect(lines(aScreen(all, '3', 'enter').view).join('\n')).contain('Consumers   1: w@h')
    })
  })

  describe('actions', () => {
    const tasks = [aTask('1')]

    it('revokes after a yes, and only then', () => {
      const asked = aScreen({ tasks }, 'c')

      expect(asked.view.foot.text).equal('Revoke t.task 1, so that it does not start? [y/N] ')
      expect(asked.intents).deep.equal([])
      expect(aScreen({ tasks }, 'c', 'y').intents).deep.equal([{ kind: 'revoke', id: '1', terminate: false }])
      for (const key of ['n', 'enter', 'escape', ' ']) expect(aScreen({ tasks }, 'c', key).intents).deep.equal([])
    })

    it('terminates with C, also from the detail, and says where', () => {
      expect(aScreen({ tasks }, 'i', 'C').view.foot.text).equal('Revoke t.task 1, and stop it on w@h if it runs? [y/N] ')
      expect(aScreen({ tasks }, 'i', 'C', 'Y').intents).deep.equal([{ kind: 'revoke', id: '1', terminate: true }])
      expect(aScreen({ tasks }, 'i', 'C', 'Y').view.head).contain('Task t.task')
    })

    it('revokes the task that was asked about, although another has come to its line', () => {
      const asked = aScreen({ tasks }, 'c')

      const { intent } = press(again(asked, { tasks: [aTask('0', { stateAt: NOW }), ...tasks] }).state, 'y', asked.page)

      expect(intent).deep.equal({ kind: 'revoke', id: '1', terminate: false })
    })

    it('does not ask about a task that has ended', () => {
      const done = aScreen({ tasks: [aTask('1', { state: 'SUCCESS' })] }, 'c')

      expect(done.view.foot.text).equal('It has ended: SUCCESS.')
    })

    it('sets a rate limit that is typed, asks workers for events, leaves, and goes to the shell', () => {
      expect(aScreen({ tasks }, 'l', ...'10/m', 'enter').intents).deep.equal([{ kind: 'rate-limit', name: 't.task', rate: '10/m' }])
      expect(aScreen({ tasks }, 'l', 'enter').intents).deep.equal([])
      expect(aScreen({ tasks }, 'e').intents).deep.equal([{ kind: 'events' }])
      expect(aScreen({ tasks }, 'q').intents).deep.equal([{ kind: 'quit' }])
      expect(aScreen({ tasks }, '/', 'q', 'ctrl-c').intents).deep.equal([{ kind: 'quit' }])
      expect(aScreen({ tasks }, 'ctrl-z').intents).deep.equal([{ kind: 'suspend' }])
    })
  })

  it('shows the keys with ?, and goes on with any of those that close it', () => {
    expect(lines(aScreen({}, '?').view).join('\n')).contain('the next line')
    for (const key of ['?', 'q', 'escape']) expect(aScreen({}, '?', key).state.open.kind).equal('list')
  })

  it('never shows what a terminal would obey', () => {
    const evil = 'x\x1b[31m\x1b]52;c;ZQ==\x07\r\n\u202e'
    const task = aTask(evil, { name: evil, state: evil, worker: evil, queue: evil, args: evil, exception: evil, traceback: evil })
    const everything = { tasks: [task], workers: [aWorker(evil, { queues: [evil], software: evil })], trouble: evil }
    for (const keys of [[], ['i'], ['t'], ['c'], ['l'], ['tab'], ['tab', 'i'], ['/', ...evil]]) {
      const { view } = aScreen(everything, ...keys)
      for (const line of [view.summary.text, view.head, view.foot.text, ...lines(view)]) expect(line).equal(safe(line))
    }
  })

  it('stays in range and in shape, whatever is pressed and whatever comes', () => {
    const key = fc.constantFrom(
      ...'jkgGitrcCl/sS<>pe?hq123yn x',
      'enter',
      'escape',
      'tab',
      'left',
      'pagedown',
      'pageup',
      'backspace',
      'ctrl-u',
    )
    const ids = fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 25 })
    const step = fc.record({ key, ids, columns: fc.integer({ min: 1, max: 140 }), rows: fc.integer({ min: 1, max: 40 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let shown = show(initialState('tasks', ''), data({}), SIZE)
        for (const { key, ids, columns, rows } of steps) {
          const next = data({
            tasks: ids.map((id) =>
              aTask(`id${id}`, { state: id % 2 === 0 ? 'STARTED' : 'FAILURE', name: id % 3 === 0 ? null : `名${id}` }),
            ),
            workers: ids.map((id) => aWorker(`w${id}`)),
          })
          shown = show(press(shown.state, key, shown.page).state, next, { columns, rows })
          expectSound(shown, { columns, rows })
        }
      }),
      { numRuns: 60 },
    )
  })
})

function expectSound({ view, state, page }: Shown, { columns, rows }: { readonly columns: number; readonly rows: number }): void {
  const { items, index } = page.listing
  if (items.length === 0) expect(index).equal(-1)
  else expect(index).within(0, items.length - 1)
  const isList = state.open.kind === 'list' || state.open.kind === 'filter'
  if (isList && items.length > 0) expect(view.rows.filter(({ isSelected }) => isSelected)).length(1)
  expect(view.rows.length).at.most(Math.max(1, rows - 4))
  for (const line of [view.summary.text, view.head, view.foot.text, ...lines(view)]) expect(widthOf(line)).at.most(Math.max(4, columns))
}

interface Pressed extends Shown {
  readonly intents: readonly Intent[]
}

/** The screen after these keys. */
function aScreen(given: Partial<TopData>, ...keys: readonly string[]): Pressed {
  let shown = show(initialState('tasks', ''), data(given), SIZE)
  const intents: Intent[] = []
  for (const key of keys) {
    const { state, intent } = press(shown.state, key, shown.page)
    if (intent !== null) intents.push(intent)
    shown = show(state, data(given), SIZE)
  }
  return { ...shown, intents }
}

function again({ state }: { readonly state: TopState }, given: Partial<TopData>): Shown {
  return show(state, data(given), SIZE)
}

const data = (given: Partial<TopData>): TopData => ({ now: NOW, tasks: [], workers: [], queues: [], rate: 0, trouble: null, ...given })

const lines = ({ rows }: TopView) => rows.map(({ cells }) => cells.map(({ text }) => text).join(''))

function aTask(id: string, more: Partial<TopTask> = {}): TopTask {
  return {
    id,
    name: 't.task',
    state: 'STARTED',
    worker: 'w@h',
    queue: 'celery',
    args: '(1, 2)',
    kwargs: '{}',
    result: null,
    exception: null,
    traceback: null,
    runtime: null,
    retries: 0,
    eta: null,
    expires: null,
    rootId: id,
    parentId: null,
    sentFrom: null,
    sentAt: null,
    receivedAt: NOW - 2,
    startedAt: NOW - 1,
    endedAt: null,
    stateAt: NOW - 1,
    clock: 1,
    tries: [],
    ...more,
  }
}

function aWorker(node: string, more: Partial<TopWorker> = {}): TopWorker {
  return {
    node,
    isAlive: true,
    heartbeatAt: NOW - 1,
    active: 3,
    processed: 100,
    loadavg: [0.5, 1, 2],
    pid: 7,
    software: 'celerity 0.1',
    queues: [],
    ...more,
  }
}
