/** How much memory this process uses; Celery's panel answers the same where psutil is installed. */
import { type Command, type Commands, refused } from './command.js'

/** Samples that are kept until somebody asks for them. */
const MAX_SAMPLES = 1_000

export function memoryCommands(): Commands {
  const samples: string[] = []

  const memsample: Command = {
    others: true,
    run() {
      const rss = inBytes(process.memoryUsage.rss())
      samples.push(rss)
      if (samples.length > MAX_SAMPLES) samples.shift()
      return rss
    },
  }

  /** The samples taken since the last one, as many as asked for, and what it is now. */
  const memdump: Command = {
    optional: ['samples'],
    others: true,
    run(_, args) {
      const taken = samples.splice(0)
      const most = Math.max(1, args.optionalWhole('samples') ?? 10)
      const shown = taken.filter((_sample, index) => index % Math.ceil(taken.length / most) === 0)
      const lines = shown.length === 0 ? [] : ['- rss (sample):', ...shown.map((rss) => `-    > ${rss},`)]
      return [...lines, `- rss (end): ${inBytes(process.memoryUsage.rss())}.`, ''].join('\n')
    },
  }

  const objgraph: Command = {
    optional: ['num', 'max_depth', 'type'],
    run: () =>
      refused("NotImplementedError('objgraph draws the objects of Python; use the inspector of Node.js, or --heapsnapshot-signal')"),
  }

  return { memsample, memdump, objgraph }
}

/** As kombu's `humanbytes`: five digits at most. */
function inBytes(bytes: number): string {
  for (const [size, unit] of [
    [2 ** 40, 'TB'],
    [2 ** 30, 'GB'],
    [2 ** 20, 'MB'],
    [2 ** 10, 'KB'],
  ] as const) {
    if (bytes >= size) return `${Number((bytes / size).toPrecision(5))}${unit}`
  }
  return `${bytes}b`
}
