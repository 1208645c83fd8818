/** What a figure is: who is measured, how, in which columns, and what we aim at. */
import type { Peers } from './peers/peers.js'
import type { Scale } from './scale.js'

export interface Figure {
  readonly name: string
  readonly title: string
  /** What one has to know to read it. */
  readonly note?: string
  /** The contenders of a round side by side: for what does not depend on who else runs, such as memory. */
  readonly together?: boolean
  readonly columns: readonly Column[]
  readonly goals: readonly Goal[]
  /** Who is measured, in turn, round by round; the first is ours, and the others are compared with it. */
  contenders(peers: Peers, scale: Scale): readonly Contender[]
}

export interface Contender {
  readonly name: string
  /** Once, from nothing: servers, queues and processes are its own, and gone afterwards. */
  measure(): Promise<Sample>
}

/** A value per column; one that has no meaning for this contender is left out. */
export type Sample = Readonly<Record<string, number>>

export interface Column {
  readonly key: string
  /** With the unit. */
  readonly head: string
  /** Decimals shown. */
  readonly digits?: number
}

/** A bound for the first contender: relative to the one whose name starts with `to`, absolute without it. */
export interface Goal {
  readonly column: string
  readonly to?: string
  readonly atLeast?: number
  readonly atMost?: number
}
