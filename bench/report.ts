/** What was measured, as tables for people and as one document for programs. */
import { cpus, totalmem } from 'node:os'
import { type Column as TableColumn, table } from '../src/terminal/table.js'
import { VERSION } from '../src/version.js'
import type { Column, Goal } from './figure.js'
import type { Measured, Row, Verdict } from './rounds.js'
import type { Scale } from './scale.js'

export function textOf({ figure, rows, goals }: Measured): string {
  const columns = [
    { head: '', value: (row: Row) => row.name },
    ...figure.columns.flatMap((column) => [valueColumn(column), ratioColumn(column, rows)]),
  ]
  const note = figure.note ? `(${figure.note})\n` : ''
  return `${figure.title}\n${note}${table(rows, columns)}\n${goals.map(goalLine).join('')}`
}

function valueColumn({ key, head, digits = 0 }: Column): TableColumn<Row> {
  return { head, align: 'right', value: ({ median }) => (Number.isFinite(median[key]) ? shown(median[key] as number, digits) : null) }
}

function ratioColumn({ key }: Column, rows: readonly Row[]): TableColumn<Row> {
  const value = (row: Row) => (row === rows[0] || !Number.isFinite(row.ratio[key]) ? null : ratio(row.ratio[key] as number))
  return { head: 'ours ÷', align: 'right', value }
}

function goalLine({ goal, got, met }: Verdict): string {
  const bound = goal.atLeast === undefined ? `at most ${ratio(goal.atMost as number)}` : `at least ${ratio(goal.atLeast)}`
  return `  ${met ? 'met' : 'MISSED'}: ${goal.column}${toWhom(goal)} ${bound}, is ${ratio(got)}\n`
}

function toWhom({ to }: Goal): string {
  return to === undefined ? '' : ` ÷ ${to}`
}

function shown(value: number, digits: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function ratio(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

export function documentOf(measured: readonly Measured[], scale: Scale, missing: readonly string[]): object {
  return {
    celerity: VERSION,
    node: process.version,
    machine: { cpu: cpus()[0]?.model ?? 'unknown', cpus: cpus().length, memory: totalmem() },
    scale,
    leftOut: missing,
    figures: measured.map(({ figure: { name, title, note }, rows, goals }) => ({ name, title, note, rows, goals })),
  }
}
