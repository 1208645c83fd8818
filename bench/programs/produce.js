/**
 * A process that sends, the same for every peer: `node <peer>-producer.js MODE COUNT`, with BENCH_URL. Prints the seconds it took.
 * A tenth is sent beforehand, unmeasured, so that the compiler and the connection are warm.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { now } from './start-line.js'

/** Messages of one bulk call. */
const BULK = 1_000
/** Callers that await their sends side by side. */
const CALLERS = 100
/** Milliseconds between two pings: long enough for an idle worker to be idle again. */
const PING_PAUSE = 8

/**
 * @param sender sendMany(count), sendOne(), sendDelayed(count): due in an hour, sendPing(nanoseconds), close()
 */
export async function produce(sender) {
  const [mode, count] = [process.argv[2], Number(process.argv[3])]
  const run = MODES[mode]
  if (run === undefined || !(count > 0)) throw new Error(`usage: ${Object.keys(MODES).join('|')} COUNT`)
  if (WARMED.includes(mode)) await run(sender, Math.ceil(count / 10))
  const began = now()
  await run(sender, count)
  const seconds = (now() - began) / 1e9
  await sender.close()
  process.stdout.write(`took ${seconds}\n`)
}

const WARMED = ['bulk', 'awaited', 'concurrent']

const MODES = {
  /** Fills a queue for another measurement: exactly `count`. */
  fill: inBulk,
  bulk: inBulk,
  async awaited(sender, count) {
    for (let sent = 0; sent < count; sent++) await sender.sendOne()
  },
  async concurrent(sender, count) {
    const caller = () => MODES.awaited(sender, Math.ceil(count / CALLERS))
    await Promise.all(Array.from({ length: CALLERS }, caller))
  },
  async delayed(sender, count) {
    for (let sent = 0; sent < count; sent += BULK) await sender.sendDelayed(Math.min(BULK, count - sent))
  },
  async pings(sender, count) {
    for (let sent = 0; sent < count; sent++) {
      await sender.sendPing(now())
      await sleep(PING_PAUSE)
    }
  },
}

async function inBulk(sender, count) {
  for (let sent = 0; sent < count; sent += BULK) await sender.sendMany(Math.min(BULK, count - sent))
}
