import type { Broker, DeadLetter } from '../../src/broker/broker.js'
import { DEAD_ARGS, DEAD_FLAGS, DeadCommand, type DeadReport } from '../../src/cli/dead-command.js'
import { describeLetter } from '../../src/cli/dead-letters.js'
import { decodeResult, stateOf } from '../../src/protocol/result.js'

export default class DeadRetry extends DeadCommand<typeof DeadRetry> {
  static override summary = 'Put dead letters back into their queues'
  static override description = 'Their bytes are unchanged; what made them fail should be gone (a task that is registered now, say).'
  static override examples = ['<%= config.bin %> dead retry 3f2a9c1b', '<%= config.bin %> dead retry --all -Q mail --reason unregistered']
  static override strict = false
  static override args = DEAD_ARGS
  static override flags = DEAD_FLAGS

  async run(): Promise<DeadReport> {
    const report = await this.work('retry', async (broker, queue, letters) => {
      await this.#forgetFailures(broker, letters)
      return broker.queues.retryDead(
        queue,
        letters.map(({ id }) => id),
      )
    })
    return this.showReport(report, 'put back')
  }

  /** A store on another server takes the first final state for the last: the failure of the dead would stay, whatever comes of them now. */
  async #forgetFailures(broker: Broker, letters: readonly DeadLetter[]): Promise<void> {
    if ((await this.settings()).resultBackend === null) return
    const results = await this.results()
    if (results.server === broker.can.server) return
    const ids = letters.flatMap((letter) => describeLetter(letter).taskId ?? [])
    const stored = (await results.get(ids)).map((json) => decodeResult(json ?? 'null'))
    await results.forget(ids.filter((_, at) => stored[at]?.ok === true && stateOf(stored[at].result.outcome) === 'FAILURE'))
  }
}
