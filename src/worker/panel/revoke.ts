/** Tasks that must not run, wherever they wait; and, terminated, the end of those that run here. */
import { REVOCATION_TTL, stampMark } from '../../control/revocation.js'
import { repr } from '../../protocol/python-repr.js'
import { isTaskId } from '../../protocol/task-id.js'
import { listOf } from '../revocations.js'
import type { Run } from '../run.js'
import { readSignal, type Signal } from '../signal.js'
import type { Arguments } from './arguments.js'
import { type Command, type Commands, type Desk, ok } from './command.js'
import { PythonError, reprText } from './python-error.js'

/** One day more than the task's own time, for what is late. */
const SPARE_SECONDS = 86_400

const revoke: Command = {
  required: ['task_id'],
  optional: ['terminate', 'signal'],
  others: true,
  run: (desk, args) => revokeIds(desk, args, args.flag('terminate')),
}

/** What Celery's command line sends; its API sends `revoke`. */
const terminate: Command = {
  required: ['signal', 'task_id'],
  others: true,
  run: (desk, args) => revokeIds(desk, args, true),
}

const revokeByStamps: Command = {
  required: ['headers'],
  optional: ['terminate', 'signal'],
  others: true,
  async run(desk, args) {
    const signal = signalOf(args)
    const headers = stampsOf(args.raw('headers'))
    const stamps = headers.flatMap(([header, values]) => values.map((value) => [header, value] as const))
    desk.log.info('stamps flagged as revoked', { stamps: stamps.map(([header, value]) => `${header}=${String(value)}`) })
    await desk.worker.revoke(
      stamps.map(([header, value]) => stampMark(header, value)),
      REVOCATION_TTL,
    )
    if (!args.flag('terminate')) return ok(`headers ${headersText(args.raw('headers'))} flagged as revoked, but not terminated`)

    const ended = new Map<string, Set<string>>()
    for (const run of [...desk.worker.runs]) {
      const matching = stamps.filter(([header, value]) => bears(run, header, value))
      for (const [header, value] of matching) ended.set(header, (ended.get(header) ?? new Set()).add(reprText(String(value))))
      if (matching.length > 0) desk.worker.terminate(run, signal)
    }
    if (ended.size === 0) return ok(`headers ${headersText(args.raw('headers'))} were not terminated`)
    const found = [...ended].map(([header, values]) => `${reprText(header)}: {${[...values].join(', ')}}`)
    return ok(`headers defaultdict(<class 'set'>, {${found.join(', ')}}) revoked`)
  },
}

export const revokeCommands: Commands = { revoke, terminate, revoke_by_stamped_headers: revokeByStamps }

async function revokeIds(desk: Desk, args: Arguments, terminates: boolean): Promise<unknown> {
  const { worker, log } = desk
  const signal = signalOf(args)
  const ids = [...new Set(args.texts('task_id'))]
  checkIds(ids)
  const wanted = new Set(ids)
  // Before the record is made: it may be long in coming, and these are to end now.
  const running = terminates ? [...worker.runs].filter(({ id }) => wanted.has(id)) : []
  for (const run of running) worker.terminate(run, signal)
  await worker.revoke(ids, lifeOf(wanted, desk))
  log.info(`tasks flagged as revoked: ${ids.join(', ')}`)
  if (!terminates) return ok(`tasks {${ids.map(reprText).join(', ')}} flagged as revoked`)

  const held = [...worker.reserved.map(({ message }) => message.id), ...worker.scheduled.map(({ info }) => info.id)]
  const found = [...running.map(({ id }) => id), ...held.filter((id) => wanted.has(id))]
  return ok(found.length === 0 ? 'terminate: tasks unknown' : `terminate: ${found.join(', ')}`)
}

function checkIds(ids: readonly unknown[]): void {
  for (const id of ids) if (!isTaskId(id)) throw new PythonError('ValueError', `${String(id).slice(0, 80)} is no id of a task`)
}

/** Until a day after the last of them that we know is due, and not less than usual. */
function lifeOf(ids: ReadonlySet<string>, { worker, clock }: Desk): number {
  const due = worker.scheduled.filter(({ info }) => ids.has(info.id)).map(({ due }) => (due - clock.now()) / 1000 + SPARE_SECONDS)
  return Math.max(REVOCATION_TTL, ...due)
}

function signalOf(args: Arguments): Signal {
  const given = args.raw('signal') ?? 'SIGTERM'
  const signal = readSignal(given)
  if (signal === null) throw new PythonError('AttributeError', `module 'signal' has no attribute '${String(given).slice(0, 80)}'`)
  return signal
}

/** `{ header: value or values }`, or `['header=value']` of the command line. */
function stampsOf(given: unknown): readonly (readonly [string, readonly unknown[]])[] {
  if (Array.isArray(given) && given.every((item) => typeof item === 'string' && item.includes('='))) {
    return given.map((item: string) => [item.slice(0, item.indexOf('=')), [item.slice(item.indexOf('=') + 1)]] as const)
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new PythonError('TypeError', 'headers must be a dict')
  return Object.entries(given).map(([header, values]) => [header, listOf(values)] as const)
}

function bears({ request: { message } }: Run, header: string, value: unknown): boolean {
  return (
    message.stampedHeaders.includes(header) &&
    listOf(message.stamps[header]).some((own) => stampMark(header, own) === stampMark(header, value))
  )
}

/** As it was given, as Python shows it. */
function headersText(given: unknown): string {
  return repr(Array.isArray(given) ? Object.fromEntries(stampsOf(given).map(([header, values]) => [header, values[0]])) : given)
}
