/** Whether this worker tells of its tasks, and that it lives. */
import { type Command, type Commands, ok } from './command.js'

const enable: Command = { run: ({ events }) => ok(events.enable() ? 'task events enabled' : 'task events already enabled') }

const disable: Command = { run: ({ events }) => ok(events.disable() ? 'task events disabled' : 'task events already disabled') }

/** Sent by whoever begins to watch. */
const heartbeat: Command = {
  run({ worker, events }) {
    events.listen()
    worker.heartbeat()
    return null
  },
}

/** Of Celery's gossip, in which our workers take no part. */
const election: Command = { required: ['id', 'topic'], optional: ['action'], others: true, run: () => null }

export const eventCommands: Commands = { enable_events: enable, disable_events: disable, heartbeat, election }
