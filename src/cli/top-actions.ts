/** What can be done from `tasks top`, and what is said of it. */
import type { Celerity } from '../app/celerity.js'
import type { ControlClient, Replies } from '../control/client.js'
import { isObject } from '../protocol/fields.js'
import { isRefusal } from './reply-text.js'
import type { TopActions } from './top.js'

/** Workers named in one line. */
const MOST_NAMED = 3

export function topActions(app: Celerity, control: ControlClient): TopActions {
  return {
    async revoke(id, terminate) {
      // The record at the broker comes first: workers that start later, or do not answer now, read it.
      await app.revoke([id])
      if (!terminate) return `Revoked ${id}: it will not start.`
      const replies = await control.ask({ method: 'revoke', arguments: { task_id: id, terminate: true, signal: 'SIGTERM' } })
      return `Revoked and terminated ${id}: ${outcome(replies)}.`
    },
    async rateLimit(task, rate) {
      const replies = await control.ask({ method: 'rate_limit', arguments: { task_name: task, rate_limit: rate } })
      return `Rate limit of ${task}: ${outcome(replies)}.`
    },
    async enableEvents() {
      return `Task events: ${outcome(await control.ask({ method: 'enable_events', arguments: {} }))}.`
    },
  }
}

/** Why a worker could not, else who did; or that nobody answered. */
function outcome(replies: Replies): string {
  if (replies.length === 0) return 'no worker answered'
  const refused = replies.filter(({ value }) => isRefusal(value)).map(({ node, value }) => `${node}: ${reasonOf(value)}`)
  return refused.length > 0 ? `refused by ${some(refused)}` : `done by ${some(replies.map(({ node }) => node))}`
}

function some(names: readonly string[]): string {
  return names.slice(0, MOST_NAMED).join(', ') + (names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '')
}

function reasonOf(value: unknown): string {
  const said = isObject(value) ? value['error'] : value
  return typeof said === 'string' ? said : 'for no reason that it told'
}
