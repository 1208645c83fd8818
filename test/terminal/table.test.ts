import { expect } from 'chai'
import { paint } from '../../src/terminal/colour.js'
import { type Column, table } from '../../src/terminal/table.js'

interface Queue {
  readonly name: string
  readonly ready: number | null
}

const columns: readonly Column<Queue>[] = [
  { head: 'QUEUE', value: ({ name }) => name },
  { head: 'READY', value: ({ ready }) => ready, align: 'right', colour: ({ ready }) => (ready === null ? 'dim' : null) },
]
const rows: readonly Queue[] = [
  { name: 'celery', ready: 12345 },
  { name: '日本語', ready: 3 },
  { name: '', ready: null },
]

describe('a table', () => {
  it('has one line per row, no borders and no blanks at the end', () => {
    expect(table(rows, columns).split('\n')).deep.equal(['QUEUE   READY', 'celery  12345', '日本語      3', '-           -'])
  })

  it('cuts its widest columns to the width of the terminal, but never one that is to be copied', () => {
    const long = [{ name: 'a-rather-long-name-of-a-queue', ready: 1 }]
    const whole = columns.map((column) => ({ ...column, isWhole: true }))

    expect(table(long, columns, { width: 20 })).equal('QUEUE          READY\na-rather-lon…      1')
    for (const width of [0, undefined]) expect(table(long, columns, { width })).equal(table(long, columns))
    expect(table(long, whole, { width: 20 })).equal(table(long, columns))
  })

  it('is nothing when there are no rows', () => {
    expect(table([], columns)).equal('')
  })

  it('lets no escape sequence of a cell through', () => {
    expect(table([{ name: 'a\x1b[2J\nb', ready: 1 }], columns)).equal('QUEUE        READY\na\\x1b[2J\\nb      1')
  })

  it('is cut to the terminal at its widest column', () => {
    const lines = table([{ name: 'x'.repeat(100), ready: 1 }], columns, { width: 30 }).split('\n')

    expect(lines).deep.equal(['QUEUE                    READY', `${'x'.repeat(22)}…      1`])
  })

  it('is not cut where there is no terminal', () => {
    expect(table([{ name: 'x'.repeat(300), ready: 1 }], columns)).contain('x'.repeat(300))
  })

  it('has the same width with colour', () => {
    const coloured = table(rows, columns, { paint: paint({ isTTY: true, allowed: true, env: {} }), width: 40 })

    expect(coloured).contain('\x1b[2m')
    expect(coloured.replace(/\x1b\[\d+m/g, '')).equal(table(rows, columns))
  })
})

describe('colour', () => {
  const painted = (isTTY: boolean, env: Record<string, string>, allowed = true) => paint({ isTTY, allowed, env })('red', 'x') !== 'x'

  const cases: [title: string, wanted: boolean, boolean][] = [
    ['is there on a terminal', true, painted(true, {})],
    ['is not there elsewhere', false, painted(false, {})],
    ['is not there with --no-color', false, painted(true, { FORCE_COLOR: '1' }, false)],
    ['is not there with NO_COLOR', false, painted(true, { NO_COLOR: '1', FORCE_COLOR: '1' })],
    ['does not mind an empty NO_COLOR', true, painted(true, { NO_COLOR: '' })],
    ['can be forced', true, painted(false, { FORCE_COLOR: '1' })],
    ['can be forced off', false, painted(true, { FORCE_COLOR: '0' })],
    ['is not there on a dumb terminal', false, painted(true, { TERM: 'dumb' })],
    ['is not there with CLICOLOR=0', false, painted(true, { CLICOLOR: '0' })],
  ]
  for (const [title, wanted, found] of cases) {
    it(title, () => {
      expect(found).equal(wanted)
    })
  }
})
