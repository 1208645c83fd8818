/** A task's story for people: what it is, what became of it, its tries, its kin, and what to do next. */
import { safe, safeLines } from '../../terminal/safe.js'
import { relative, spanText } from '../../terminal/time.js'
import type { Look } from '../base-command.js'
import { valueText } from '../json-text.js'
import type { Kin, StoryTry, TaskStory } from './task-story.js'

/** Lines of a traceback that are shown: the last ones say it. */
const TRACEBACK_LINES = 12
/** Characters of a value or of arguments. */
const VALUE_CHARACTERS = 300

export function storyText(story: TaskStory, look: Look): string {
  return [
    heading(story, look),
    facts(story, look),
    whatCameOfIt(story, look),
    triesText(story.tries, look),
    kinText(story, look),
    nextText(story, look),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function heading({ id, name, state }: TaskStory, { paint }: Look): string {
  return `${paint('bold', safe(name ?? 'a task whose name nobody knows'))} ${safe(id)}  ${paint(colourOf(state), safe(state))}`
}

function facts(story: TaskStory, { paint, now }: Look): string {
  const when = (iso: string | null) => (iso === null ? null : `${relative(Date.parse(iso), now)}  (${iso})`)
  const by = story.sentBy === null ? '' : ` by ${story.sentBy}`
  const lines: readonly (readonly [string, string | null])[] = [
    ['sent from', story.sentFrom === null ? (story.sentBy === null ? null : story.sentBy) : `${story.sentFrom}${by}`],
    ['args', story.args === null ? null : cut(story.args)],
    ['kwargs', story.kwargs === null || story.kwargs === '{}' ? null : cut(story.kwargs)],
    ['queue', story.queue],
    ['message', story.place === null ? null : `${story.place.kind} in ${story.place.queue}: ${story.place.detail}`],
    ['worker', story.worker],
    ['sent', when(story.sent)],
    ['due', when(story.eta)],
    ['expires', when(story.expires)],
    ['started', when(story.started)],
    ['ended', when(story.ended)],
    ['waited', story.queueWait === null ? null : spanText(story.queueWait)],
    ['ran', story.runTime === null ? null : spanText(story.runTime)],
    ['retries', story.retries === 0 ? null : String(story.retries)],
  ]
  return lines.flatMap(([name, value]) => (value === null ? [] : [`${paint('dim', name.padEnd(10))} ${safe(value)}`])).join('\n')
}

function whatCameOfIt({ state, value, error }: TaskStory, { paint }: Look): string {
  if (error !== null) {
    const lines = error.traceback === null ? [] : error.traceback.trimEnd().split('\n')
    const more = lines.length > TRACEBACK_LINES ? [`… ${lines.length - TRACEBACK_LINES} lines before; --json has them`] : []
    const shown = [...more, ...lines.slice(-TRACEBACK_LINES)].map((line) => `  ${line}`).join('\n')
    return `${paint('red', safe(`${error.type}: ${error.message}`))}${shown === '' ? '' : `\n${paint('dim', safeLines(shown))}`}`
  }
  if (state === 'SUCCESS') return `${paint('dim', 'returned')}   ${cut(valueText(value))}`
  return value === null ? '' : `${paint('dim', 'says')}       ${cut(valueText(value))}`
}

function triesText(tries: readonly StoryTry[], { paint, now }: Look): string {
  if (tries.length === 0) return ''
  const lines = tries.map(({ ended, outcome, error, worker, runTime }, index) => {
    const took = runTime === null ? '' : ` after ${spanText(runTime)}`
    const where = worker === null ? '' : ` on ${worker}`
    return `  ${index + 1}. ${outcome}${took}${where}, ${relative(Date.parse(ended), now)}: ${cut(error ?? 'no reason given')}`
  })
  return [paint('dim', 'tries that failed'), ...lines.map(safe)].join('\n')
}

function kinText({ parent, root, id, children }: TaskStory, { paint }: Look): string {
  const lines: string[] = []
  if (root !== null && root !== id && root !== parent) lines.push(`${paint('dim', 'began with')} ${safe(root)}`)
  if (parent !== null) lines.push(`${paint('dim', 'sent by')}    ${safe(parent)}`)
  if (children.length > 0) lines.push(paint('dim', 'it sent'), ...branches(children, '  ', paint))
  return lines.join('\n')
}

function branches(children: readonly Kin[], indent: string, paint: Look['paint']): string[] {
  return children.flatMap(({ id, name, state, children: below }, index) => {
    const isLast = index === children.length - 1
    const line = `${indent}${isLast ? '└' : '├'} ${safe(name ?? '?')} ${safe(id)} ${paint(colourOf(state), safe(state))}`
    return [line, ...branches(below, `${indent}${isLast ? ' ' : '│'} `, paint)]
  })
}

function nextText({ next }: TaskStory, { paint }: Look): string {
  const widest = Math.max(0, ...next.map(({ why }) => why.length))
  return next
    .map(({ why, command }, index) => `${paint('dim', index === 0 ? 'Next: ' : '      ')}${why.padEnd(widest)}  ${safe(command)}`)
    .join('\n')
}

function colourOf(state: string): 'green' | 'red' | 'yellow' {
  return state === 'SUCCESS' ? 'green' : state === 'FAILURE' || state === 'REVOKED' ? 'red' : 'yellow'
}

function cut(text: string): string {
  return text.length > VALUE_CHARACTERS ? `${text.slice(0, VALUE_CHARACTERS)}…` : text
}
