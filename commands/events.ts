import * as Flags from '@oclif/core/flags'
import { BaseCommand } from '../src/cli/base-command.js'
import type { EventStreamOptions } from '../src/cli/event-stream.js'
import { jsonText } from '../src/cli/json-text.js'
import { systemClock } from '../src/clock.js'
import type { ClusterEvent } from '../src/protocol/event.js'

export default class Events extends BaseCommand<typeof Events> {
  static override summary = 'What happens to tasks and workers, line by line'
  static override description =
    'Until Ctrl-C. Workers tell of their tasks when they run with -E, or after `tasks control enable-events`; `tasks top` shows the whole picture.'
  static override examples = [
    '<%= config.bin %> events',
    `<%= config.bin %> events --type 'task-failed,task-retried' --json`,
    { description: "Celery's own lines", command: '<%= config.bin %> events --dump' },
  ]
  static override flags = {
    dump: Flags.boolean({ char: 'd', summary: 'the lines of `celery events --dump`' }),
    type: Flags.string({ helpValue: 'A,B', delimiter: ',', multiple: true, summary: "only these: 'task-*', 'worker-online'" }),
    limit: Flags.integer({ helpValue: 'N', min: 1, summary: 'the end after so many' }),
  }

  async run(): Promise<undefined> {
    const broker = await this.broker()
    const { Lamport } = await import('../src/protocol/lamport.js')
    const { openReceiver } = await import('../src/events/receiver.js')
    const { EventStream } = await import('../src/cli/event-stream.js')
    const { untilSignal } = await import('../src/cli/until-signal.js')
    const lines = await this.#lines()
    const { limit = Number.POSITIVE_INFINITY } = this.flags
    const types = (this.flags.type ?? []).map((type) => type.trim()).filter((type) => type !== '')

    await untilSignal(async (signal) => {
      const done = new AbortController()
      const stream = new EventStream(this.stdout, { types, limit, ...lines }, () => done.abort())
      const parts = { broker, lamport: new Lamport(), clock: systemClock, log: await this.logger() }
      const receiver = await openReceiver(parts, { hear: (events) => stream.hear(events) })
      const end = AbortSignal.any([signal, done.signal])
      if (!end.aborted) await new Promise<void>((resolve) => end.addEventListener('abort', () => resolve(), { once: true }))
      await receiver.close()
      if (stream.passedOver > 0) this.caution(`${stream.passedOver} events were not written: they came faster than they were read`)
      if (receiver.counts.bad > 0) this.caution(`${receiver.counts.bad} events could not be read`)
    })
    return undefined
  }

  /** How an event is written, and what has to be remembered of it for those that come after. */
  async #lines(): Promise<Pick<EventStreamOptions, 'note' | 'line'>> {
    if (this.jsonEnabled()) return { line: (event) => jsonText(document(event)) }
    const { TaskTexts } = await import('../src/cli/task-texts.js')
    if (this.flags.dump) {
      const { DUMP_GREETING, dumpedTask, dumpLine } = await import('../src/cli/event-dump.js')
      this.stdout.write(`${DUMP_GREETING}\n`)
      const tasks = new TaskTexts(dumpedTask)
      return { note: (event) => tasks.note(event), line: (event) => dumpLine(event, tasks.of(event)) }
    }
    const { eventLine } = await import('../src/terminal/event-line.js')
    const names = new TaskTexts(({ fields: { name } }) => (typeof name === 'string' ? name : null))
    const { paint } = this.look(this.stdout)
    return { note: (event) => names.note(event), line: (event) => eventLine(event, names.of(event), paint) }
  }

  /** With --json every line is a document already. */
  override logJson(json: unknown): void {
    if (json !== undefined) super.logJson(json)
  }
}

/** As it was sent, and when it was heard. */
function document({ fields, localReceived, ...common }: ClusterEvent): Readonly<Record<string, unknown>> {
  return { ...common, ...fields, local_received: localReceived }
}
