import { EventEmitter } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect } from 'chai'
import { FullScreen } from '../../src/terminal/full-screen.js'

describe('a full screen', () => {
  it('takes the terminal and gives it back as it was, once', () => {
    const { screen, output, modes } = aScreen()

    screen.open()
    screen.open()
    const entered = output.taken()
    screen.close()
    screen.close()

    expect(entered).equal('\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J')
    expect(output.taken()).equal('\x1b[?7h\x1b[?25h\x1b[?1049l')
    expect(modes).deep.equal([true, false])
    expect(output.listenerCount('resize')).equal(0)
  })

  it('writes the lines that changed, each at its place', () => {
    const { screen, output } = aScreen()
    screen.open()
    screen.paint(['a', 'b', 'c'])
    output.taken()

    screen.paint(['a', 'B', 'c'])
    expect(output.taken()).equal('\x1b[?2026h\x1b[2;1H\x1b[2KB\x1b[0m\x1b[?2026l')
    screen.paint(['a', 'B', 'c'])
    expect(output.taken()).equal('')
    screen.paint(['a'])
    expect(output.taken()).equal('\x1b[?2026h\x1b[2;1H\x1b[J\x1b[?2026l')
  })

  it('writes no more lines than there are, for that would scroll', () => {
    const { screen, output } = aScreen({ rows: 2 })
    screen.open()
    output.taken()

    screen.paint(['a', 'b', 'c'])

    expect(output.taken()).contain('b').not.contain('c')
  })

  it('is painted anew when its size changes', () => {
    const { screen, output, heard } = aScreen()
    screen.open()
    screen.paint(['a'])
    output.taken()

    output.emit('resize')
    screen.paint(['a'])

    expect(heard.resized).equal(1)
    expect(output.taken()).match(/\[2J.*a/s)
  })

  it('writes nothing to a terminal that is not its own any more', () => {
    const { screen, output } = aScreen()
    screen.open()
    screen.close()
    output.taken()

    screen.paint(['a'])

    expect(output.taken()).equal('')
  })
})

class Output extends EventEmitter {
  readonly columns = 80
  readonly rows: number
  #text = ''

  constructor(rows: number) {
    super()
    this.rows = rows
  }

  write(text: string): void {
    this.#text += text
  }

  /** What was written since the last time. */
  taken(): string {
    const text = this.#text
    this.#text = ''
    return text
  }
}

function aScreen({ rows = 24 } = {}) {
  const output = new Output(rows)
  const modes: boolean[] = []
  const input = Object.assign(new PassThrough(), { setRawMode: (on: boolean) => void modes.push(on) })
  const heard = { keys: [] as string[], resized: 0 }
  const screen = new FullScreen(input, output, { key: (key) => heard.keys.push(key), resized: () => heard.resized++ })
  return { screen, output, modes, heard }
}
