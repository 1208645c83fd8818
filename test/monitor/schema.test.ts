import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { SQLITE_MIGRATIONS } from '../../src/monitor/schema.js'
import { CURSOR_COLUMNS, GAP_COLUMNS, TASK_COLUMNS, TRY_COLUMNS, WORKER_COLUMNS } from '../../src/monitor/tables.js'

const PAGE = readFileSync(new URL('../../docs/monitor.md', import.meta.url), 'utf8')

describe('the published tables of the monitor', () => {
  const tables = {
    monitor_task: TASK_COLUMNS,
    monitor_try: TRY_COLUMNS,
    monitor_worker: WORKER_COLUMNS,
    monitor_gap: GAP_COLUMNS,
    monitor_cursor: CURSOR_COLUMNS,
  }

  for (const [table, columns] of Object.entries(tables)) {
    it(`are described column by column: ${table}`, () => {
      const [, section = ''] = PAGE.split(`### \`${table}\``)
      const text = section.split('\n##')[0] ?? ''

      expect(columns.filter((column) => !text.includes(`\`${column}\``))).to.deep.equal([])
    })
  }

  it('are all described', () => {
    const made = SQLITE_MIGRATIONS.join('\n').matchAll(/CREATE (?:TABLE|VIEW) file\.(\w+)/g)

    expect([...made].map(([, name]) => name).filter((name) => !PAGE.includes(`\`${name}\``))).to.deep.equal([])
  })

  it('are changed by further migrations only', () => {
    // Once released: a database made by it will not run it again. Add a migration instead, and its number here.
    expect(SQLITE_MIGRATIONS).to.have.length(1)
  })
})
