/** `tasks top` on a terminal: keys to the state, data to the screen, until somebody leaves. */
import type { Clock } from '../clock.js'
import { reason } from '../errors.js'
import { FullScreen, type ScreenInput, type ScreenOutput } from '../terminal/full-screen.js'
import type { Key } from '../terminal/keys.js'
import type { Intent, TopData } from '../terminal/views/top/data.js'
import type { MountedTop } from '../terminal/views/top/mount.js'
import { press } from '../terminal/views/top/press.js'
import { initialState, type TopState } from '../terminal/views/top/state.js'
import { type Shown, show } from '../terminal/views/top/view.js'
import type { TopFeed } from './top-feed.js'

export interface TopActions {
  /** Each says in a sentence what came of it. */
  revoke(id: string, terminate: boolean): Promise<string>
  rateLimit(task: string, rate: string): Promise<string>
  enableEvents(): Promise<string>
}

export interface TopParts {
  readonly feed: TopFeed
  readonly actions: TopActions
  readonly input: ScreenInput
  readonly output: ScreenOutput
  readonly clock: Clock
}

export interface TopOptions {
  readonly filter: string
  readonly isColoured: boolean
}

/** Four times a second is as often as anybody reads; what changed in between shows then. */
const FRAME_MS = 250
/** Keys that are held down come thirty times a second. */
const KEY_FRAME_MS = 40
/** What is said stays until the next key, or so long. */
const MESSAGE_MS = 15_000
const LEAVING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/** Whether there is a terminal that can be taken as a whole. */
export function isWholeTerminal(input: { readonly isTTY?: boolean }, output: { readonly isTTY?: boolean }): boolean {
  return input.isTTY === true && output.isTTY === true && process.env['TERM'] !== 'dumb'
}

export class Top {
  readonly #parts: TopParts
  readonly #screen: FullScreen
  readonly #isColoured: boolean
  #state: TopState
  #data: TopData
  #shown: Shown
  #mounted: MountedTop | null = null
  #version = -1
  #messageAt = 0
  #soon: NodeJS.Timeout | null = null
  #leave: (error?: unknown) => void = () => {}

  constructor(parts: TopParts, { filter, isColoured }: TopOptions) {
    this.#parts = parts
    this.#isColoured = isColoured
    this.#state = initialState('tasks', filter)
    this.#screen = new FullScreen(parts.input, parts.output, {
      key: (key) => this.#guarded(() => this.#press(key)),
      resized: () => this.#guarded(() => this.#draw()),
    })
    this.#data = parts.feed.data()
    this.#shown = show(this.#state, this.#data, this.#screen.size)
  }

  /** Says something on the line at the bottom: in here nobody reads stderr. */
  say(message: string): void {
    this.#state = { ...this.#state, message }
    this.#messageAt = this.#parts.clock.monotonic()
    this.#drawSoon()
  }

  /** Resolves when the person leaves, a signal says so, or the terminal has gone; the terminal is then as it was. */
  async run(): Promise<void> {
    // Here, not above: it is the heaviest import there is.
    const { mountTop } = await import('../terminal/views/top/mount.js')
    const mounted = mountTop((lines) => this.#screen.paint(lines), this.#isColoured)
    this.#mounted = mounted
    const left = new Promise<void>((resolve, reject) => {
      this.#leave = (error) => (error === undefined ? resolve() : reject(error))
    })
    const undo = this.#listen()
    try {
      this.#screen.open()
      this.#draw()
      await left
    } finally {
      for (const one of undo) one()
      if (this.#soon !== null) clearTimeout(this.#soon)
      mounted.close()
      this.#screen.close()
    }
  }

  #listen(): readonly (() => void)[] {
    const { input } = this.#parts
    const leave = () => this.#leave()
    const back = () => this.#guarded(() => this.#reopen())
    for (const signal of LEAVING) process.on(signal, leave)
    process.on('SIGCONT', back)
    input.on('end', leave)
    const frames = setInterval(() => this.#guarded(() => this.#refresh()), FRAME_MS)
    return [
      () => clearInterval(frames),
      () => void input.off('end', leave),
      () => void process.off('SIGCONT', back),
      // Those that come now must not kill us before the terminal is given back.
      () => {
        setImmediate(() => {
          for (const signal of LEAVING) process.off(signal, leave)
        })
      },
    ]
  }

  /** An error must not be printed into a screen that is then cleared. */
  #guarded(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#leave(error)
    }
  }

  #refresh(): void {
    const { feed, clock } = this.#parts
    // Ages go on although nothing happens.
    const isDue = feed.version !== this.#version || Math.floor(clock.now() / 1000) !== Math.floor(this.#data.now)
    if (this.#state.isPaused || !isDue) return
    this.#version = feed.version
    this.#data = feed.data()
    if (clock.monotonic() - this.#messageAt > MESSAGE_MS) this.#state = { ...this.#state, message: null }
    this.#draw()
  }

  #press(key: Key): void {
    const { state, intent } = press(this.#state, key, this.#shown.page)
    this.#state = state
    this.#messageAt = this.#parts.clock.monotonic()
    this.#settle()
    this.#drawSoon()
    if (intent !== null) this.#act(intent)
  }

  #act(intent: Intent): void {
    if (intent.kind === 'quit') this.#leave()
    else if (intent.kind === 'suspend') this.#suspend()
    else {
      this.#carryOut(intent).then(
        (text) => this.say(text),
        (error: unknown) => this.say(reason(error)),
      )
    }
  }

  #carryOut(intent: Exclude<Intent, { readonly kind: 'quit' | 'suspend' }>): Promise<string> {
    const { actions } = this.#parts
    switch (intent.kind) {
      case 'events':
        return actions.enableEvents()
      case 'revoke':
        return actions.revoke(intent.id, intent.terminate)
      case 'rate-limit':
        return actions.rateLimit(intent.name, intent.rate)
    }
  }

  #suspend(): void {
    this.#screen.close()
    process.kill(0, 'SIGTSTP') // all of the pipeline, as the terminal itself would
  }

  #reopen(): void {
    this.#screen.close()
    this.#screen.open()
    this.#draw()
  }

  /** What is shown, decided anew. */
  #settle(): void {
    this.#shown = show(this.#state, this.#data, this.#screen.size)
    this.#state = this.#shown.state
  }

  #drawSoon(): void {
    if (this.#soon === null) this.#soon = setTimeout(() => this.#guarded(() => this.#draw()), KEY_FRAME_MS)
  }

  #draw(): void {
    if (this.#soon !== null) clearTimeout(this.#soon)
    this.#soon = null
    this.#settle()
    this.#mounted?.show(this.#shown.view, this.#screen.size)
  }
}
