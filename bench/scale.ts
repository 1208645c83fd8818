/** How much is measured. `quick` is for a look, `full` for the goals as they are worded, the one in between for every day. */
export interface Scale {
  /** Each contender is measured this often, in turn with the others. */
  readonly rounds: number
  /** No-op tasks of one drain, messages of one bulk send. */
  readonly tasks: number
  /** The same for peers that take more than ten times as long. */
  readonly slowTasks: number
  readonly awaited: number
  readonly pings: number
  readonly delayed: number
  /** A small and a large backlog. */
  readonly backlogs: readonly [number, number]
  /** Starts of a command, per round. */
  readonly starts: number
}

export const SCALES = {
  quick: { rounds: 1, tasks: 20_000, slowTasks: 1_000, awaited: 1_000, pings: 100, delayed: 20_000, backlogs: [10_000, 50_000], starts: 5 },
  usual: {
    rounds: 3,
    tasks: 20_000,
    slowTasks: 1_500,
    awaited: 2_000,
    pings: 200,
    delayed: 100_000,
    backlogs: [10_000, 100_000],
    starts: 7,
  },
  full: {
    rounds: 5,
    tasks: 20_000,
    slowTasks: 20_000,
    awaited: 10_000,
    pings: 1_000,
    delayed: 100_000,
    backlogs: [10_000, 1_000_000],
    starts: 20,
  },
} as const satisfies Readonly<Record<string, Scale>>
