/** Tables without borders: one row is one line, so that `grep` and `awk` work on them. */
import Table from 'cli-table3'
import { type Paint, plain } from './colour.js'
import { safe } from './safe.js'

export interface Column<Row> {
  readonly head: string
  /** Null and undefined show as `-`. Any text is made safe; never paint it here. */
  readonly value: (row: Row) => string | number | null | undefined
  readonly align?: 'left' | 'right'
  /** Never cut: the next command takes it as it is. */
  readonly isWhole?: boolean
  /** Colours the finished cell. */
  readonly colour?: (row: Row) => Parameters<Paint>[0] | null
}

export interface TableOptions {
  readonly paint?: Paint
  /** Columns of the terminal: the widest column is cut to fit. Undefined (no terminal) or 0 (it does not say): nothing is cut. */
  readonly width?: number | undefined
}

const GAP = 2
const LEAST = 8

const BORDERS = ['top', 'mid', 'bottom', 'left', 'right'].flatMap((side) => [
  side,
  ...['mid', 'left', 'right'].map((end) => `${side}-${end}`),
])
const NO_BORDERS = Object.fromEntries(BORDERS.map((part) => [part, '']))

/** The rows under their heads; an empty list gives an empty text. No line ends in blanks. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], { paint = plain, width }: TableOptions = {}): string {
  if (rows.length === 0) return ''
  const lines = [columns.map(({ head }) => paint('bold', head)), ...rows.map((row) => columns.map((column) => cell(row, column, paint)))]
  const aligns = columns.map(({ align = 'left' }) => align)
  const natural = sheet(lines, aligns, [])
  const text = natural.toString()
  // Rendering is what fills in the widths; they are only known afterwards.
  const widths = natural.options.colWidths.map((one) => one ?? 0)
  const isCut = columns.map(({ isWhole = false }) => !isWhole)
  const fitting = width === undefined || width === 0 ? widths : shrink(widths, isCut, width)
  const fits = fitting.every((one, index) => one === widths[index])
  return withoutTail(fits ? text : sheet(lines, aligns, fitting).toString())
}

function sheet(lines: readonly string[][], colAligns: ('left' | 'right')[], colWidths: number[]): Table.Table {
  const result = new Table({
    chars: { ...NO_BORDERS, middle: ' '.repeat(GAP) },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    truncate: '…',
    colAligns,
    colWidths,
  })
  result.push(...lines)
  return result
}

function cell<Row>(row: Row, column: Column<Row>, paint: Paint): string {
  const text = cellText(column.value(row))
  const colour = column.colour?.(row) ?? null
  return colour === null ? text : paint(colour, text)
}

const withoutTail = (text: string) => text.replace(/[ ]+$/gm, '')

function cellText(value: string | number | null | undefined): string {
  const text = value === null || value === undefined ? '-' : safe(String(value))
  return text === '' ? '-' : text
}

/** Takes what is too much from the widest columns that may be cut, one character at a time; none gets narrower than 8. */
function shrink(natural: readonly number[], isCut: readonly boolean[], width: number): number[] {
  const widths = [...natural]
  let excess = widths.reduce((sum, one) => sum + one, 0) + GAP * (widths.length - 1) - width
  while (excess > 0) {
    const widest = widths.reduce((best, one, at) => (isCut[at] && one > (widths[best] ?? 0) ? at : best), -1)
    if (widest < 0 || widths[widest]! <= LEAST) break
    widths[widest] = widths[widest]! - 1
    excess -= 1
  }
  return widths
}
