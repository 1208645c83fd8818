import { app, noop, ping } from './celerity-app.js'
import { produce } from './produce.js'

await produce({
  sendMany: (count) => app.sendMany(Array.from({ length: count }, () => noop.s(1, 'no-op'))),
  sendOne: () => noop.delay(1, 'no-op'),
  sendDelayed: (count) => app.sendMany(Array.from({ length: count }, () => noop.s(1, 'no-op').set({ countdown: 3600 }))),
  sendPing: (sent) => ping.delay(sent),
  close: () => app.close(),
})
