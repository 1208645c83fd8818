/** The scenarios by their names. */
import type { Scenario } from './scenario.js'
import { ending, refusing } from './scenarios/append-only.js'
import { block } from './scenarios/block.js'
import { clock, clockOfAll } from './scenarios/clock.js'
import { connections, silence } from './scenarios/connections.js'
import { crowd } from './scenarios/crowd.js'
import { disk } from './scenarios/disk.js'
import { elsewhere } from './scenarios/elsewhere.js'
import { followUps, retries } from './scenarios/follow-ups.js'
import { freeze } from './scenarios/freeze.js'
import { grace } from './scenarios/grace.js'
import { aimedKill, early, kill } from './scenarios/kill.js'
import { flapping, refusal } from './scenarios/long-outage.js'
import { memory } from './scenarios/memory.js'
import { monkey } from './scenarios/monkey.js'
import { outage } from './scenarios/outage.js'
import { overrun, poison, suspect } from './scenarios/poison.js'
import { poor, slow } from './scenarios/poor.js'
import { sharing } from './scenarios/sharing.js'
import { lostAcceptances, lostReplies, steps } from './scenarios/steps.js'
import { orderlyStops, stops, stopsApart } from './scenarios/stops.js'
import { suspend } from './scenarios/suspend.js'

export const SCENARIOS: readonly Scenario[] = [
  kill,
  aimedKill,
  steps,
  lostReplies,
  lostAcceptances,
  poison,
  suspect,
  outage,
  refusal,
  connections,
  flapping,
  silence,
  freeze,
  elsewhere,
  suspend,
  block,
  overrun,
  poor,
  slow,
  memory,
  disk,
  refusing,
  ending,
  crowd,
  clock,
  clockOfAll,
  orderlyStops,
  stops,
  stopsApart,
  grace,
  early,
  retries,
  followUps,
  monkey,
  sharing,
]
