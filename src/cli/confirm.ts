/** Asks before something is destroyed. */
import { createInterface } from 'node:readline/promises'
import { CelerityError } from '../errors.js'
import { safe } from '../terminal/safe.js'

export interface Person {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  /** Where the question goes: stderr, so that data stays alone on stdout. */
  readonly output: NodeJS.WritableStream
}

export interface Consent {
  readonly yes: boolean
  readonly dryRun?: boolean
}

/**
 * Whether to go on: `--yes` says so, `--dry-run` says no, otherwise the person does; anything but y or yes is no.
 *
 * @throws E_USAGE when there is nobody to ask
 */
export async function confirm(question: string, { yes, dryRun = false }: Consent, person: Person): Promise<boolean> {
  if (dryRun) return false
  if (yes) return true
  if (person.input.isTTY !== true) {
    throw new CelerityError('E_USAGE', {
      message: `${question} There is nobody to ask`,
      hint: 'Without a terminal this needs --yes; --dry-run shows what would happen.',
    })
  }
  const lines = createInterface({ input: person.input, output: person.output })
  // Ctrl-D ends the input without an answer: that is a no. (Ctrl-C ends the process, as everywhere.)
  const nothing = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    const answer = await Promise.race([lines.question(`${safe(question)} [y/N] `), nothing])
    return /^\s*y(es)?\s*$/i.test(answer)
  } finally {
    lines.close()
  }
}
