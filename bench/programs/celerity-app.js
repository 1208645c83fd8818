/** The application that our worker runs in every figure. */
import { Celerity } from 'celerity'
import { tellStart } from './start-line.js'

export const app = new Celerity('bench')
export const noop = app.task('bench.noop', async () => {})
export const ping = app.task('bench.ping', async (sent) => tellStart(sent))
