import { expect } from 'chai'
import { mountTop } from '../../../src/terminal/views/top/mount.js'
import type { Row, TopView } from '../../../src/terminal/views/top/view.js'

const SIZE = { columns: 30, rows: 8 }

describe('the drawn screen', function () {
  this.timeout(20_000)

  it('has a line for each of the view, from top to bottom, and its keys on the last line', () => {
    const frames = drawn([aView({ rows: [aRow('one'), aRow('two', true)] })])

    expect(frames.at(-1)?.map((line) => line.trimEnd())).deep.equal([
      'summary',
      ' 1 tasks  2 workers',
      'HEAD',
      '  one',
      '> two',
      '',
      '',
      'keys',
    ])
  })

  it('follows the view, and the width of the terminal', () => {
    const frames = drawn([aView({ rows: [aRow('before')] }), aView({ rows: [aRow('after')] })])

    expect(frames.at(-1)?.join('\n')).contain('after').not.contain('before')
  })

  it('draws nothing after it was closed', () => {
    const frames: (readonly string[])[] = []
    const mounted = mountTop((lines) => frames.push(lines), true)
    mounted.show(aView({}), SIZE)
    const { length } = frames

    mounted.close()

    expect(frames).length(length)
  })
})

function drawn(views: readonly TopView[]): readonly (readonly string[])[] {
  const frames: (readonly string[])[] = []
  const mounted = mountTop((lines) => frames.push(lines.map(plain)), true)
  for (const view of views) mounted.show(view, SIZE)
  mounted.close()
  return frames
}

const plain = (line: string) => line.replace(/\x1b\[[\d;]*m/g, '')

function aView(more: Partial<TopView>): TopView {
  return {
    summary: { text: 'summary', colour: null },
    tabs: [
      { text: ' 1 tasks ', isOpen: true },
      { text: ' 2 workers ', isOpen: false },
    ],
    head: 'HEAD',
    rows: [],
    height: 4,
    foot: { text: 'keys', colour: 'dim' },
    ...more,
  }
}

function aRow(text: string, isSelected = false): Row {
  return {
    key: text,
    cells: [
      { text: isSelected ? '> ' : '  ', colour: null },
      { text, colour: 'green' },
    ],
    isSelected,
  }
}
