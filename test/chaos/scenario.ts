/** A scenario: what is done to whom, and what must hold afterwards. The same code plays the smoke of the tests and the long runs by hand. */
import type { BrokerKind, Stand } from './stage/brokers.js'
import { type Findings, summary } from './stage/invariants.js'
import { Stage, type StageOptions } from './stage/stage.js'

/** How much of it: what counts as a task or a fault is the scenario's own. */
export interface Scale {
  readonly tasks: number
  readonly faults: number
  /** Seconds of an outage, where the scenario leaves that open. */
  readonly away?: number | undefined
  /** Seconds of a lease, where a busy machine may need a longer one than the scenario's own. */
  readonly lease?: number | undefined
  /** How long it goes on, where that is what ends it. */
  readonly minutes?: number | undefined
}

export interface Scenario {
  /** Its number in the plan, by which it is asked for: T1. */
  readonly name: string
  readonly what: string
  readonly brokers: readonly BrokerKind[]
  /** Played with other systems too. */
  readonly peers?: boolean
  /** When nothing else is asked for. */
  readonly usual: Scale
  /** Results are kept in a file of their own, whatever the broker is. */
  readonly elsewhere?: boolean
  /** A broker of its own kind; otherwise the `usual`: a durable server, or a file in the scenario's folder. */
  readonly stand?: (folder: string, usual: (folder: string) => Promise<Stand>) => Promise<Stand>
  play(stage: Stage, scale: Scale): Promise<Verdict>
}

export interface Verdict {
  /** What does not hold, a line each; empty when all is well. */
  readonly broken: readonly string[]
  readonly findings?: Findings
  /** Figures worth keeping, by their names. */
  readonly figures: Figures
}

export type Figures = Readonly<Record<string, number | string>>

/** A line for what does not hold, to be spread into `broken`. */
export function unless(holds: boolean, line: string): readonly string[] {
  return holds ? [] : [line]
}

export interface Played extends Verdict {
  readonly seconds: number
  /** Kept when something is broken. */
  readonly folder?: string
}

export interface Setting extends StageOptions {
  open(folder: string): Promise<Stand>
}

/** Never rejects: a scenario that could not be played to its end is broken. */
export async function play(scenario: Pick<Scenario, 'play' | 'stand' | 'elsewhere'>, scale: Scale, setting: Setting): Promise<Played> {
  const began = performance.now()
  const stage = new Stage(setting)
  let verdict: Verdict
  try {
    const { stand = (folder) => setting.open(folder), elsewhere } = scenario
    await stage.setUp((folder) => stand(folder, setting.open), elsewhere)
    verdict = await scenario.play(stage, scale)
  } catch (error) {
    verdict = { broken: [error instanceof Error ? (error.stack ?? error.message) : String(error)], figures: {} }
  }
  const keep = verdict.broken.length > 0
  await stage.close({ keep })
  const seconds = Math.round((performance.now() - began) / 100) / 10
  return { ...verdict, seconds, ...(keep ? { folder: stage.folder } : {}) }
}

/** The figures in one line, worth reading also when all is well. */
export function lineOf({ findings, figures, seconds }: Played): string {
  const more = Object.entries(figures).map(([name, value]) => `${name} ${value}`)
  return [...(findings === undefined ? [] : [summary(findings)]), ...more, `${seconds.toFixed(0)} s`].join('; ')
}
