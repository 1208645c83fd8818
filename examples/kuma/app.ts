/** What a worker loads: the application with all its tasks. The web process imports only the tasks it sends. */
import './tasks/contributors.js'
import './tasks/emails.js'
import './tasks/search.js'
import './tasks/sitemaps.js'
import './tasks/spam.js'
import './tasks/wiki.js'

export { default } from './kuma.js'
