/** What a worker and a beat load: the application with all its tasks, and the schedule. The web process imports only the tasks it sends. */
import './schedule.js'
import './tasks/contributors.js'
import './tasks/emails.js'
import './tasks/housekeeping.js'
import './tasks/search.js'
import './tasks/sitemaps.js'
import './tasks/spam.js'
import './tasks/wiki.js'

export { default } from './kuma.js'
