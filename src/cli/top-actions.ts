/** What can be done from `tasks top`, and what is said of it. */
import type { Celerity } from '../app/celerity.js'
import type { ControlClient, Replies } from '../control/client.js'
import { isObject } from '../protocol/fields.js'
import { isRefusal } from './reply-text.js'
import type { TopActions } from './top.js'

export function topActions(app: Celerity, control: ControlClient): TopActions {
  return {
    async revoke(id, terminate) {
      // The record at the broker comes first: workers that start later, or do not answer now, read it.
      await app.revoke([id])
      if (!terminate) return `${id} is revoked: it will not start.`
      const replies = await control.ask({ method: 'revoke', arguments: { task_id: id, terminate: true, signal: 'SIGTERM' } })
      return `${id} is revoked and terminated: ${outcome(replies)}.`
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

/** `w1@a: …, w2@b: …`, or that nobody answered. */
function outcome(replies: Replies): string {
  if (replies.length === 0) return 'no worker answered'
  const refused = replies.filter(({ value }) => isRefusal(value))
  const told = refused.length > 0 ? refused : replies
  return told
    .slice(0, 3)
    .map(({ node, value }) => `${node}: ${wordsOf(value)}`)
    .concat(told.length > 3 ? [`and ${told.length - 3} more`] : [])
    .join(', ')
}

function wordsOf(value: unknown): string {
  if (!isObject(value)) return 'done'
  const said = value['ok'] ?? value['error']
  return typeof said === 'string' ? said : 'done'
}
