/** A keeper beside the tasks, for a broker inside this process that no thread can reach. While a task blocks the event loop, it waits too. */
import { within } from '../patience.js'
import { Announcements } from './announcements.js'
import type { Keeper, KeeperOptions, KeeperParts } from './keeper.js'
import { Keeping } from './keeping.js'
import { keepLease } from './lease.js'
import { askPanel, known } from './main-thread.js'

/** Seconds that the last word may take. */
const LAST_WORD_SECONDS = 0.3

export function localKeeper(
  options: KeeperOptions,
  { broker, board, lamport, log, panel, lost, lanes, readers, listening }: KeeperParts,
): Keeper {
  let closed = false
  let renewing = true
  const main = {
    ask(method: string, args: Readonly<Record<string, unknown>>) {
      board.tick() // it turns: it is what asks
      return askPanel(panel, method, args)
    },
    lost() {
      renewing = false
      if (!closed) lost()
    },
    say(what: string, text: string) {
      renewing = what === 'renewed'
      log.warning(`keeper: ${text}`)
    },
    lanes,
    readers,
    listening,
  }
  const keeping = new Keeping({ broker, control: broker, board, lamport, main }, { ...options, started: Date.now() / 1000 })
  const ends = new AbortController()
  const announcements = new Announcements()
  void keepLease({ broker, board, announcements, main }, options.incarnation, options.leaseMs, ends.signal).finally(() => ends.abort())
  void keeping.run(ends.signal)
  return {
    get renewing() {
      return renewing
    },
    state: (answers, queues) => keeping.know(known(answers, queues)),
    heartbeat: () => keeping.beat(),
    announce: () => announcements.next(),
    async close() {
      closed = true
      const isLost = ends.signal.aborted
      ends.abort()
      if (!isLost) await within(keeping.close(), LAST_WORD_SECONDS) // else the node lives on, with another lease
    },
  }
}
