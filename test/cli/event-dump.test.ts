import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { DUMP_GREETING, dumpedTask, dumpLine } from '../../src/cli/event-dump.js'
import { TaskTexts } from '../../src/cli/task-texts.js'
import type { ClusterEvent } from '../../src/protocol/event.js'

/** What `celery events --dump` of Celery 5.6.3 printed. */
const CAPTURED = readFileSync(new URL('../fixtures/cli-events-dump.txt', import.meta.url), 'utf8').trimEnd()
const RECORD = /^\S+ \[.*?\] .*?(?=\n\S+ \[|$(?![\s\S]))/gms

describe('events as Celery dumps them', () => {
  const records = CAPTURED.match(RECORD) ?? []

  it('begin with the line that Celery begins with', () => {
    expect([DUMP_GREETING, ...records].join('\n')).equal(CAPTURED)
  })

  it('are character by character what Celery printed, tracebacks and tasks without a name included', () => {
    const tasks = new TaskTexts(dumpedTask)

    const lines = records.map(eventOf).map((event) => {
      tasks.note(event)
      return dumpLine(event, tasks.of(event))
    })

    expect(lines).deep.equal(records)
  })

  it('do nothing to a terminal', () => {
    const evil = '\x1b[2J\nforged [x] \u202e'
    const event = { ...eventOf(records[0]!), hostname: evil, type: `worker-${evil}`, fields: { [evil]: evil, list: [evil] } }

    expect(dumpLine(event, null)).match(/^[\x20-\x7e]*$/)
  })
})

const TYPES: Readonly<Record<string, string>> = { heartbeat: 'worker-heartbeat', started: 'worker-online', shutdown: 'worker-offline' }

/** The event that a record was made of. */
function eventOf(record: string): ClusterEvent {
  const [, hostname = '', moment = '', words = '', rest = ''] = /^(\S+) \[(.*?)\] ([\w ]+): (.*)$/s.exec(record) ?? []
  const type = TYPES[words] ?? words.replace(' ', '-')
  const task = /^ ?(?:([\w.]+)\(([\w-]+)\) args=(.*?) kwargs=(\{.*?\}) )?/.exec(rest)
  const told = rest.slice(task?.[0].length ?? 0)
  const { clock, pid, utcoffset, local_received, ...fields } = Object.fromEntries(
    [...told.matchAll(/(\w+)=(.*?)(?=, \w+=|$(?![\s\S]))/gs)].map(([, key = '', text = '']) => [key, readValue(text)]),
  )
  const isNamed = type === 'task-received'
  return {
    type,
    hostname,
    timestamp: secondsOf(moment),
    utcoffset: Number(utcoffset),
    pid: Number(pid),
    clock: Number(clock),
    localReceived: Number(local_received),
    ...(type.startsWith('task-') && { uuid: task?.[2] ?? 'unnamed' }),
    fields: isNamed ? { ...fields, name: task?.[1], args: task?.[3], kwargs: task?.[4] } : fields,
  }
}

function readValue(text: string): unknown {
  if (text === 'None') return null
  if (text === 'True' || text === 'False') return text === 'True'
  if (text.startsWith('[')) return JSON.parse(text)
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

function secondsOf(moment: string): number {
  const [, whole = '', micros = '0'] = /^(.*?)\.?(\d{6})?\+00:00$/.exec(moment) ?? []
  return Date.parse(`${whole.replace(' ', 'T')}Z`) / 1000 + Number(micros) / 1e6
}
