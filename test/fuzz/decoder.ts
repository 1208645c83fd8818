/** Mutants, one after the other, through the decoder. */
import { decodeMessage } from '../../src/protocol/message.js'
import { type Mutant, Mutants } from './mutants.js'
import { fault, prototypes } from './oracle.js'

export interface Finding {
  readonly how: string
  readonly what: string
  /** The message in base64, what a person needs to play it again; of a large one its beginning, for the seed makes it again. */
  readonly raw: string
}

export interface Fuzzed {
  readonly count: number
  /** How many were messages after all. */
  readonly accepted: number
  /** How many were refused with each reason. */
  readonly refused: Readonly<Record<string, number>>
  readonly findings: readonly Finding[]
}

/** More findings than these are the same one. */
const MOST = 20
const EVERY = 10_000
const MOST_BYTES = 3_000

export interface FuzzOptions {
  readonly seed: number
  readonly count: number
  /** Also told of each mutant. */
  readonly see?: (mutant: Mutant) => void
  /** Called now and then. */
  readonly progress?: (done: number) => Promise<void> | void
}

export async function fuzzDecoder({ seed, count, see, progress }: FuzzOptions): Promise<Fuzzed> {
  const mutants = new Mutants({ seed })
  const before = prototypes()
  const findings: Finding[] = []
  const refused: Record<string, number> = {}
  let accepted = 0
  let done = 0
  for (; done < count && findings.length < MOST; done++) {
    const mutant = mutants.next()
    see?.(mutant)
    const what = fault(mutant.raw) ?? (done % EVERY === 0 && prototypes() !== before ? 'a prototype has changed' : null)
    if (what !== null) findings.push(found(mutant, what))
    const decoded = decodeMessage(mutant.raw)
    if (decoded.ok) accepted++
    else refused[decoded.bad.code] = (refused[decoded.bad.code] ?? 0) + 1
    if (done % EVERY === 0) await progress?.(done)
  }
  if (prototypes() !== before) findings.push({ how: '', what: 'a prototype has changed', raw: '' })
  return { count: done, accepted, refused, findings }
}

export function found({ how, raw }: Mutant, what: string): Finding {
  return { how, what, raw: raw.subarray(0, MOST_BYTES).toString('base64') }
}
