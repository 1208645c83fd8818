/** A real terminal, in tmux: typed into and read as a person would. */
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from 'mocha'
import { eventually } from '../eventually.js'
import { tmux } from '../setup/servers.js'
import { BIN } from './run-tasks.js'

export interface ATerminal {
  /** Runs `tasks …` in it, and then says how that ended: `exit code 0.` */
  tasks(line: string): void
  /** `Enter`, `C-c`, or text. */
  type(...keys: readonly string[]): void
  /** What it shows now. */
  screen(): string
  /** Resolves when it shows it. */
  shows(pattern: RegExp): Promise<string>
  /** The command that `tasks` runs. */
  readonly bin: string
  resize(columns: number, lines: number): void
  /** Whether a program has taken all of it, and whether there is a cursor. */
  state(): { readonly isAlternate: boolean; readonly hasCursor: boolean }
  /** The codes of the colours that are on it now. */
  colours(): readonly string[]
  /** The process that has it now. */
  foreground(): number
  close(): void
}

/** 100 columns and 40 lines, in `cwd`. Skips the test where there is no tmux. */
export function aTerminal(context: Context, cwd: string, env: Readonly<Record<string, string>> = {}): ATerminal {
  const program = tmux(context)
  const sockets = mkdtempSync(join(tmpdir(), 'celerity-tmux-'))
  const name = randomUUID()
  const { PATH = '', HOME = cwd } = process.env
  const run = (...args: readonly string[]) => {
    const ran = spawnSync(program, ['-u', '-L', name, '-f', '/dev/null', ...args], {
      cwd,
      env: { PATH, HOME, TMUX_TMPDIR: sockets, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8', PS1: '$ ', ...env },
      encoding: 'utf8',
    })
    if (ran.status !== 0) throw new Error(`tmux ${args[0]}: ${ran.stderr}${ran.error?.message ?? ''}`)
    return ran.stdout
  }
  run('new-session', '-d', '-x', '100', '-y', '40', '/bin/sh')
  const type = (...keys: readonly string[]) => void run('send-keys', ...keys)
  const screen = () => run('capture-pane', '-p', '-J')
  return {
    type,
    screen,
    tasks: (line) => {
      // At once, by tmux itself: else what the last command left may still stand there when somebody looks for it.
      run('send-keys', '-R')
      type(`clear; '${process.execPath}' '${BIN}' ${line}; echo "exit code $?."`, 'Enter')
    },
    shows: (pattern) => {
      const found = () => {
        const text = screen()
        return pattern.test(text) && text
      }
      return eventually(found, 30).catch((error: unknown) => {
        throw new Error(`waiting for ${pattern}: ${String(error)}\n${screen()}`)
      })
    },
    bin: BIN,
    resize: (columns, lines) => void run('resize-window', '-x', String(columns), '-y', String(lines)),
    state: () => {
      const [alternate, cursor] = run('display-message', '-p', '#{alternate_on} #{cursor_flag}').trim().split(' ')
      return { isAlternate: alternate === '1', hasCursor: cursor === '1' }
    },
    colours: () => {
      const codes = [...run('capture-pane', '-p', '-e').matchAll(/\x1b\[([\d;]*)m/g)].flatMap(([, list = '']) => list.split(';'))
      return codes.filter((code) => Number(code) >= 30 && code !== '39' && code !== '49')
    },
    foreground: () => {
      const terminalName = run('display-message', '-p', '#{pane_tty}').trim()
      const listed = spawnSync('ps', ['-t', terminalName, '-o', 'pid=,stat='], { encoding: 'utf8' }).stdout
      const pid = /^\s*(\d+) \S*\+/m.exec(listed)?.[1]
      if (pid === undefined) throw new Error(`nothing runs in the terminal: ${listed}`)
      return Number(pid)
    },
    close() {
      run('kill-server')
      rmSync(sockets, { recursive: true, force: true })
    },
  }
}
