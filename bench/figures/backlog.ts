/** Whether a long queue is worked off more slowly than a short one. */
import type { Figure } from '../figure.js'
import { drain } from './drain.js'

export const backlog: Figure = {
  name: 'backlog',
  title: 'cost growth: the first tasks of a long queue and of a short one',
  note: 'with --full the long one has 1,000,000',
  columns: [
    { key: 'rate', head: 'tasks/s' },
    { key: 'server', head: 'server CPU µs/task', digits: 1 },
  ],
  goals: [{ column: 'rate', to: 'backlog', atLeast: 0.95 }],
  contenders: ({ celerity }, { backlogs: [short, long] }) =>
    [long, short].map((waiting) => ({
      name: `backlog of ${waiting.toLocaleString('en')}`,
      measure: () => drain(celerity, waiting, 10, short),
    })),
}
