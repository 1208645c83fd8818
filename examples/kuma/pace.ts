import { setTimeout } from 'node:timers/promises'

/** How slow the slow things are: 1 as in life, 0 at once (for tests). */
const pace = Number(process.env.KUMA_PACE ?? 1)

/** Stands for a query, a mail server, a renderer that takes its time; ends at once, with the reason, when the signal fires. */
export async function takeTime(seconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  await setTimeout(seconds * pace * 1000, undefined, signal === undefined ? {} : { signal })
}
