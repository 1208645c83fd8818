import Mocha from 'mocha'

/** What a run came to, in mocha's own numbers; a pending test counts as skipped. */
export interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** Prints as mocha's spec reporter does, and tells the process that started mocha the totals. */
export default class Reporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options)
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats
      process.send?.({ passed: passes, failed: failures, skipped: pending } satisfies Totals)
    })
  }
}
