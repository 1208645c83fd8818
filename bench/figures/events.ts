/** What it costs a worker to tell of every task: three events each, while somebody listens and while nobody does. */
import type { Figure } from '../figure.js'
import { draining } from './drain.js'

const OFF = 'Celerity'

export const heardEvents: Figure = {
  name: 'events-heard',
  title: 'drain with events (worker -E), somebody listening, beside the same without; concurrency 10',
  note: 'the listener is a process of its own that reads and throws away, so that its work does not count',
  columns: [
    { key: 'rate', head: 'tasks/s' },
    { key: 'worker', head: 'worker CPU µs/task', digits: 1 },
    { key: 'server', head: 'server CPU µs/task', digits: 1 },
  ],
  goals: [{ column: 'rate', to: OFF, atLeast: 0.75 }],
  contenders: ({ heard, celerity }, { tasks }) => [draining(heard, 3 * tasks, 10), draining(celerity, 3 * tasks, 10)],
}

export const unheardEvents: Figure = {
  ...heardEvents,
  name: 'events-unheard',
  title: 'the same, nobody listening',
  note: 'the worker looks once a second whether somebody has come',
  goals: [{ column: 'rate', to: OFF, atLeast: 0.97 }],
  contenders: ({ unheard, celerity }, { tasks }) => [draining(unheard, 3 * tasks, 10), draining(celerity, 3 * tasks, 10)],
}
