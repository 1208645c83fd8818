/**
 * The door to ink: whoever shows the screen imports this file and nothing of ink. In the build it is one bundle with ink and react inside
 * (`bin/bundle.js`): a fifth of the time to load, and React's production build, whatever NODE_ENV says.
 */
import { EventEmitter } from 'node:events'
import { render } from 'ink'
import type { ScreenSize } from '../../full-screen.js'
import { Screen } from './screen.js'
import type { TopView } from './view.js'

export interface MountedTop {
  /** Shows `view`, laid out for `size`. */
  show(view: TopView, size: ScreenSize): void
  close(): void
}

/** @param paint gets each frame as lines; not called when nothing changed */
export function mountTop(paint: (lines: readonly string[]) => void, isColoured: boolean): MountedTop {
  const sheet = new Sheet(paint)
  const stdout = sheet as unknown as NodeJS.WriteStream
  // `debug`: every frame as a whole, to `write`. What of it reaches the terminal is decided there (full-screen.ts): ink itself would erase
  // and rewrite all lines, or clear the terminal with what was scrolled out of it.
  const start = (view: TopView) =>
    render(<Screen view={view} isColoured={isColoured} />, { stdout, debug: true, patchConsole: false, exitOnCtrlC: false })
  let app: ReturnType<typeof start> | null = null
  return {
    show(view, { columns }) {
      if (columns !== sheet.columns) {
        sheet.columns = columns
        sheet.emit('resize')
      }
      if (app === null) app = start(view)
      else app.rerender(<Screen view={view} isColoured={isColoured} />)
    },
    close() {
      sheet.isClosed = true
      app?.unmount()
    },
  }
}

/** What ink writes to in place of a terminal. */
class Sheet extends EventEmitter {
  columns = 80
  isClosed = false
  readonly #paint: (lines: readonly string[]) => void

  constructor(paint: (lines: readonly string[]) => void) {
    super()
    this.#paint = paint
  }

  write(frame: string, done?: () => void): boolean {
    if (!this.isClosed && frame !== '') this.#paint(frame.split('\n'))
    done?.()
    return true
  }
}
