import { ending, refusing } from '../chaos/scenarios/append-only.js'
import { block } from '../chaos/scenarios/block.js'
import { clock, clockOfAll } from '../chaos/scenarios/clock.js'
import { connections, silence } from '../chaos/scenarios/connections.js'
import { crowd } from '../chaos/scenarios/crowd.js'
import { disk } from '../chaos/scenarios/disk.js'
import { elsewhere } from '../chaos/scenarios/elsewhere.js'
import { followUps, retries } from '../chaos/scenarios/follow-ups.js'
import { freeze } from '../chaos/scenarios/freeze.js'
import { grace } from '../chaos/scenarios/grace.js'
import { aimedKill, early } from '../chaos/scenarios/kill.js'
import { memory } from '../chaos/scenarios/memory.js'
import { monkey } from '../chaos/scenarios/monkey.js'
import { outage } from '../chaos/scenarios/outage.js'
import { overrun, poison, suspect } from '../chaos/scenarios/poison.js'
import { poor } from '../chaos/scenarios/poor.js'
import { sharing } from '../chaos/scenarios/sharing.js'
import { lostAcceptances, lostReplies } from '../chaos/scenarios/steps.js'
import { orderlyStops, stops, stopsApart } from '../chaos/scenarios/stops.js'
import { suspend } from '../chaos/scenarios/suspend.js'
import { Playbill } from './playbill.js'

describe('under fire', function () {
  this.timeout(400_000)
  const bill = new Playbill()

  // First, for these take longest.
  describe('steps of the protocol (T2)', () => {
    bill.add(
      'at every second command of a worker the reply is lost and its connection reset: nothing is lost, nothing runs twice (G1, G2)',
      lostReplies,
      { tasks: 2, faults: 200 },
    )
    bill.add(
      'at every second command of a sender something is lost, and a process, a connection or the server: what it was told holds (G1)',
      lostAcceptances,
      { tasks: 2, faults: 200 },
    )
  })

  describe('workers that are killed (T1, T18, T19)', () => {
    bill.add(
      '2,000 tasks, 10 kills: none is lost, none runs again but what was running, no outcome is written twice (G1, G2, G3)',
      aimedKill,
    )
    bill.add('acked early, no task is started twice, and each one ends: done, or failed with its worker (G4, G5)', early)
    bill.add('a retry is sent once, whatever happens to the worker that asked for it', retries)
    bill.add('what is revoked or expires never starts, what is limited keeps its limit, what follows is sent once', followUps, {
      tasks: 200,
      faults: 3,
    })
  })

  describe('tasks that take their process down (T3)', () => {
    bill.add('poison is a dead letter after three starts, and no other task is condemned or lost (G6)', poison, { tasks: 100, faults: 3 })
    bill.add('what runs alone in a worker that is frozen is not condemned', suspect)
  })

  describe('brokers that go away (T4)', () => {
    bill.add('under load, killed, stopped or locked: nothing is lost, nothing runs twice, and it comes back by itself (G1, G8)', outage, {
      tasks: 300,
      faults: 3,
    })
  })

  describe('connections and room that are gone for longer than a lease (T5, T9, T10)', () => {
    bill.add('killed, reset, refused or flapping, under load: nothing is lost, nothing runs twice (G1, G8)', connections, {
      tasks: 200,
      faults: 5,
    })
    bill.add('late, slow, cut off or garbled replies make it slower, and nothing else (T8)', poor, { tasks: 120, faults: 4 })
    bill.add('silent without an end: a late result changes nothing, and the worker goes on (G3)', silence, { tasks: 8, faults: 1 })
    bill.add('without memory who sends is told, workers work on, and nothing runs twice (G1, G8)', memory, { tasks: 200, faults: 1 })
    bill.add('on a full disk nothing is damaged or lost, and it goes on by itself when there is room (G1, G8)', disk, {
      tasks: 200,
      faults: 1,
    })
    // A small disk of its own is mounted for these, which root alone may do.
    if (process.getuid?.() === 0) {
      bill.add('on a full disk under its file it refuses, loses nothing, and serves by itself when there is room (G1, G8)', refusing, {
        tasks: 200,
        faults: 1,
      })
      bill.add('on a full disk under a file that is synced at each write it ends, and loses nothing (G1, G8)', ending, {
        tasks: 200,
        faults: 1,
      })
    }
  })

  describe('many workers, and clocks that are wrong (T12, T13)', () => {
    bill.add('twelve that start at once all serve', crowd, { tasks: 240, faults: 12 })
    bill.add('a day ahead, a day behind, and jumping: each task starts once, in its time (G15)', clock, { tasks: 80, faults: 2 })
    bill.add('one clock of all that jumps: leases do not see it, and what waits starts in its time (G15)', clockOfAll, {
      tasks: 50,
      faults: 2,
    })
  })

  describe('workers that freeze or block (T6, T7)', () => {
    bill.add('frozen for longer than its lease it cannot change what its successor stored, and goes on with new tasks (G3)', freeze)
    bill.add(
      'with results elsewhere a late worker’s success does not take the place of a failure, nor does anything follow it (G3)',
      elsewhere,
      {
        tasks: 8,
        faults: 1,
      },
    )
    bill.add('when the whole machine stands still for longer than a lease nobody is taken for dead (G2)', suspend, {
      tasks: 60,
      faults: 1,
    })
    bill.add('a handler that blocks its process for ten leases is run once, and others go on meanwhile (G9)', block, {
      tasks: 1,
      faults: 0,
    })
  })

  describe('handlers that never let go (T7)', () => {
    bill.add('fail beyond their time limit, their process ends with 70, and what ran beside them is done elsewhere (G9)', overrun, {
      tasks: 60,
      faults: 3,
    })
  })

  describe('workers that are stopped (T14, G7)', () => {
    bill.add('20 stops with tasks running and waiting: none is lost, none runs twice, exit 0', orderlyStops)
    bill.add('gives back what waits at once, and what outlasts the grace after it; a second TERM or QUIT ends it now, with 143', grace)
    bill.add('told twice, by INT, HUP, QUIT or a storm it ends as it should; what ran goes back', stops, { tasks: 300, faults: 7 })
    bill.add('stops in time with the broker out of reach; what it could not settle comes back', stopsApart)
  })

  describe('all of it at random (T16)', () => {
    bill.add('at the same time, on a load of all kinds of tasks: nothing is lost, and each end has its reason (G1 to G7)', monkey, {
      tasks: 40,
      faults: 80,
      minutes: 0.08,
    })
  })

  describe('one SQLite file for several processes', () => {
    bill.add('two workers, a producer and a reader of results: each task runs once, and each result arrives', sharing)
  })
})
