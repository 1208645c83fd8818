/** A beat from an application and its settings: the one place where settings become a beat's options. */
import { hostname } from 'node:os'
import type { Celerity } from '../app/celerity.js'
import { routesToNothing } from '../app/routes.js'
import { declaredEntries, holdMsOf, messageOf } from '../app/schedules.js'
import type { Broker } from '../broker/broker.js'
import type { Settings } from '../config/schema.js'
import type { Log } from '../log.js'
import type { ScheduleEntry } from '../protocol/schedule.js'
import { Beat, type BeatOptions } from './beat.js'
import { Calendar } from './calendar.js'

export interface BeatChoice {
  readonly once?: boolean | undefined
  /** Default: `beat@host`. */
  readonly node?: string | undefined
  /** The application is the user's own, with all its modules: then what nobody declares any more goes, and unknown tasks are named. */
  readonly complete: boolean
}

export interface CreatedBeat {
  readonly beat: Beat
  readonly broker: Broker
  readonly options: BeatOptions
  /** Names of the entries that settings and code declare. */
  readonly declared: readonly string[]
}

/** @throws CelerityError when the broker can't be used at all */
export async function createBeat(app: Celerity, { once = false, node = `beat@${hostname()}`, complete }: BeatChoice): Promise<CreatedBeat> {
  const runtime = await app.runtime()
  const { settings, connections, clock, log } = runtime
  const broker = await connections.broker()
  const { entries, problems } = declaredEntries(app, settings)
  for (const { name, reason } of problems) log.error(reason, { entry: name })
  const options: BeatOptions = { node, leaseMs: settings.beatLease * 1000, maxInterval: settings.beatMaxInterval, once }
  const beat = new Beat(
    {
      schedules: broker.schedules,
      declared: { entries, problems, complete: complete || entries.length > 0 },
      calendar: new Calendar(settings.timezone),
      clock,
      log,
      message: (entry, due) => messageOf(runtime, entry, due),
      holdMs: (entry) => holdMsOf(app, entry),
      ...(complete ? { review: reviewer(app, settings, log) } : {}),
    },
    options,
  )
  return { beat, broker, options, declared: entries.map(({ name }) => name).sort() }
}

/**
 * Names tasks that nobody registers, each once, and routes to nothing. Entries are sent all the same: a worker of another application may know
 * their tasks.
 */
function reviewer(app: Celerity, { taskRoutes }: Settings, log: Log): (entries: Iterable<ScheduleEntry>) => void {
  for (const route of routesToNothing(taskRoutes, app.registry.names())) {
    log.warning(`taskRoutes: ${JSON.stringify(route)} is no task that this application registers`, { route })
  }
  const named = new Set<string>()
  return (entries) => {
    for (const { name, task } of entries) {
      if (app.registry.get(task) !== undefined || named.has(task)) continue
      named.add(task)
      log.warning(`entry ${JSON.stringify(name)} sends ${task}, which this application does not register`, { entry: name, task })
    }
  }
}
