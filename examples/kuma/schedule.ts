/** When what is sent by itself: `tasks beat`, or any number of them. `tasks schedule list` shows it, `tasks schedule next` the times. */
import { crontab } from 'celerity'
import app from './kuma.js'
import { cleanUpSessions, updateFeeds, writeHumansTxt } from './tasks/housekeeping.js'
import { buildAllSitemaps } from './tasks/sitemaps.js'
import { renderStaleDocuments } from './tasks/wiki.js'

app.schedule('clean_sessions', { every: '1h', task: cleanUpSessions.s(), overlap: 'skip' })

// A run that waited until the next is due has nothing to add to it.
app.schedule('update_feeds', { every: '10m', task: updateFeeds.s(), overlap: 'skip', options: { expires: '10m' } })

app.schedule('humans_txt', { every: crontab({ minute: 0, hour: 0 }), task: writeHumansTxt.s() })

app.schedule('build_sitemaps', { every: crontab({ minute: 0, hour: 5 }), task: buildAllSitemaps.s(), overlap: 'skip' })

// Spread over a minute: other hourly work of the same renderer starts at the full hour too.
app.schedule('render_stale_documents', { every: '1h', task: renderStaleDocuments.s(), jitter: '1m', overlap: 'skip' })
