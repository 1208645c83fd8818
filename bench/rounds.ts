/** Measures a figure: the contenders in turn, round after round, so that what else the machine does meets all of them alike. */
import type { Contender, Figure, Goal, Sample } from './figure.js'
import type { Peers } from './peers/peers.js'
import type { Scale } from './scale.js'
import { quantile } from './statistics.js'

export interface Measured {
  readonly figure: Figure
  /** The first is ours. */
  readonly rows: readonly Row[]
  readonly goals: readonly Verdict[]
}

export interface Row {
  readonly name: string
  readonly samples: readonly Sample[]
  readonly median: Sample
  /** Our median divided by this one, per column. */
  readonly ratio: Sample
}

export interface Verdict {
  readonly goal: Goal
  readonly got: number
  readonly met: boolean
}

export async function measure(figure: Figure, peers: Peers, scale: Scale, say: (text: string) => void): Promise<Measured> {
  const contenders = figure.contenders(peers, scale)
  const samples = contenders.map((): Sample[] => [])
  for (let round = 1; round <= scale.rounds; round++) {
    const take = async ({ name, measure }: Contender, index: number) => {
      say(`${figure.name}, round ${round} of ${scale.rounds}: ${name}`)
      samples[index]?.push(await measure())
    }
    if (figure.together) await Promise.all(contenders.map(take))
    else for (const [index, contender] of contenders.entries()) await take(contender, index)
  }
  const medians = samples.map((each) => medianOf(each))
  const ours = medians[0] ?? {}
  const rows = contenders.map(({ name }, index) => {
    const median = medians[index] ?? {}
    return { name, samples: samples[index] ?? [], median, ratio: ratios(ours, median) }
  })
  return { figure, rows, goals: figure.goals.flatMap((goal) => judge(goal, rows)) }
}

function medianOf(samples: readonly Sample[]): Sample {
  const keys = Object.keys(samples[0] ?? {})
  return Object.fromEntries(
    keys.map((key) => [
      key,
      quantile(
        samples.map((sample) => sample[key] ?? Number.NaN),
        0.5,
      ),
    ]),
  )
}

/** Only where both have a value: nothing is compared with 0. */
function ratios(ours: Sample, theirs: Sample): Sample {
  const all = Object.keys(theirs).map((key) => [key, (ours[key] ?? Number.NaN) / (theirs[key] ?? Number.NaN)] as const)
  return Object.fromEntries(all.filter(([, ratio]) => Number.isFinite(ratio)))
}

/** No verdict when the one to compare with was left out. */
function judge(goal: Goal, [ours, ...others]: readonly Row[]): Verdict[] {
  const row = goal.to === undefined ? undefined : others.find(({ name }) => name.startsWith(goal.to as string))
  const got = goal.to === undefined ? ours?.median[goal.column] : row?.ratio[goal.column]
  if (got === undefined) return []
  return [{ goal, got, met: got >= (goal.atLeast ?? Number.NEGATIVE_INFINITY) && got <= (goal.atMost ?? Number.POSITIVE_INFINITY) }]
}
