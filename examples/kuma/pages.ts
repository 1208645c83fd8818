/** HTML. Everything that a visitor wrote is escaped by `html` but what the renderer made of it. */
import { html, raw } from 'hono/html'
import type { ContributorBar } from './tasks/contributors.js'
import type { SpamDashboard } from './tasks/spam.js'
import type { Rendered } from './tasks/wiki.js'
import type { Page } from './wiki.js'

type Html = ReturnType<typeof html>

interface Shown {
  readonly found: Page
  /** Of this revision or an older one; null until the first rendering is done. */
  readonly rendered: Rendered | null
  readonly bar: ContributorBar | null
}

export function homePage(slugs: readonly string[]): Html {
  const items = slugs.map((slug) => html`<li><a href="/docs/${slug}">${slug}</a></li>`)
  return layout('Kuma', html`<ul>${items}</ul><form method="post" action="/sitemaps"><button>Build the sitemaps</button></form>`)
}

export function page(slug: string, form: Html, shown?: Shown): Html {
  if (shown === undefined) return layout(slug, html`<p>There is no such page yet.</p>${form}`)
  const { found, rendered, bar } = shown
  const isBehind = rendered === null || rendered.revision < found.revision
  return layout(
    slug,
    html`<article>${rendered === null ? html`<pre>${found.content}</pre>` : raw(rendered.html)}</article>
    ${isBehind ? html`<p>Revision ${found.revision} is being rendered.</p>` : ''}
    ${bar === null ? '' : html`<p>Written by ${bar.names.join(', ')}</p>`}
    ${form}`,
  )
}

/** @param by what the visitor called themselves the last time */
export function editForm(slug: string, content: string, by: string | null): Html {
  return html`<form method="post" action="/docs/${slug}">
    <textarea name="content" rows="8" cols="80">${content}</textarea><br>
    <input name="by" value="${by ?? 'you'}"> <button>Save</button>
  </form>`
}

/** @param running what the task last said: its progress, or its result when it is done */
export function dashboardPage(dashboard: SpamDashboard | null, running: unknown): Html {
  const progress = isProgress(running) ? html`<progress max="${running.total}" value="${running.done}"></progress>` : ''
  const rows = (dashboard?.perDay ?? []).map(({ day, edits, spam }) => html`<tr><td>${day}</td><td>${edits}</td><td>${spam}</td></tr>`)
  return layout(
    'Spam',
    html`${progress}<form method="post"><button>Work it out</button></form>
    <table><tr><th>day</th><th>edits</th><th>spam</th></tr>${rows}</table>`,
  )
}

function isProgress(value: unknown): value is { readonly done: number; readonly total: number } {
  return typeof value === 'object' && value !== null && 'done' in value && 'total' in value
}

function layout(title: string, body: Html): Html {
  return html`<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
  <body style="font-family: system-ui; max-width: 50rem; margin: 2rem auto">
  <p><a href="/">Kuma</a> · <a href="/spam">spam</a></p><h1>${title}</h1>${body}</body></html>`
}
