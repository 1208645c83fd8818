/** What a worker says of itself: that it is there, its clock, its settings, its versions. */
import { arch, release, type, uptime } from 'node:os'
import { shownSettings } from '../../config/shown.js'
import { REVOCATION_TTL } from '../../control/revocation.js'
import { repr } from '../../protocol/python-repr.js'
import { VERSION } from '../../version.js'
import { type Command, type Commands, type Desk, ok } from './command.js'

const ping: Command = { others: true, run: () => ok('pong') }

const clock: Command = { others: true, run: ({ lamport }) => ({ clock: lamport.tick() }) }

/** Celery's names where a setting means the same, so that its tools find what they look for. */
const conf: Command = {
  optional: ['with_defaults'],
  others: true,
  run: ({ settings }, args) => shownSettings(settings, { defaults: args.flag('with_defaults') }),
}

/** Ids of other workers' revocations that are merged at once; a hostile one may send any number. */
const MAX_MERGED = 10_000

/** Python reads a whole number as an int, and its set of revoked ids refuses a time that is one. */
export function pythonFloat(seconds: number): number {
  return Number.isInteger(seconds) ? seconds + 0.001 : seconds
}

/**
 * A Python worker that starts asks what has been revoked, and tells what it knows. The times are of this machine's monotonic clock, as
 * Python's: it forgets what is older than three hours by its own.
 */
const hello: Command = {
  required: ['from_node'],
  optional: ['revoked'],
  others: true,
  async run({ worker, lamport, log }, args) {
    if (args.raw('from_node') === worker.node) return null
    const told = args.raw('revoked')
    const ids = typeof told === 'object' && told !== null ? Object.keys(told).filter((id) => id.length <= 255 && !/\s/.test(id)) : []
    if (ids.length > 0) await worker.revoke(ids.slice(0, MAX_MERGED), REVOCATION_TTL)
    log.debug(`hello of ${args.optionalText('from_node') ?? 'a node'}`)
    const now = pythonFloat(uptime())
    return { revoked: Object.fromEntries(worker.revoked.map((id) => [id, [now, id]])), clock: lamport.tick() }
  },
}

const report: Command = { run: (desk) => ok(reportText(desk)) }

export const introspectionCommands: Commands = { ping, clock, conf, dump_conf: conf, hello, report }

/** The lines of Celery's report. */
function reportText({ settings }: Desk): string {
  const { broker_url: broker, result_backend: results, ...others } = shownSettings(settings, { defaults: false })
  const url = String(broker ?? settings.brokerUrl)
  const lines = [
    '',
    `software -> celerity:${VERSION} node:${process.versions.node}`,
    `            v8:${process.versions.v8} uv:${process.versions.uv}`,
    `platform -> system:${type()} arch:${arch()}`,
    `            kernel version:${release()} imp:Node.js`,
    'loader   -> celerity',
    `settings -> transport:${url.slice(0, url.indexOf(':'))} results:${results ?? 'disabled'}`,
    '',
    ...Object.entries({ broker_url: broker, result_backend: results, ...others }).map(([name, value]) => `${name}: ${repr(value)}`),
    '',
  ]
  return lines.join('\n')
}
