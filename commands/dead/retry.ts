import { DEAD_ARGS, DEAD_FLAGS, DeadCommand, type DeadReport } from '../../src/cli/dead-command.js'

export default class DeadRetry extends DeadCommand<typeof DeadRetry> {
  static override summary = 'Put dead letters back into their queues'
  static override description = 'Their bytes are unchanged; what made them fail should be gone (a task that is registered now, say).'
  static override examples = ['<%= config.bin %> dead retry 3f2a9c1b', '<%= config.bin %> dead retry --all -Q mail --reason unregistered']
  static override strict = false
  static override args = DEAD_ARGS
  static override flags = DEAD_FLAGS

  async run(): Promise<DeadReport> {
    const report = await this.work('retry', (broker, queue, ids) => broker.queues.retryDead(queue, ids))
    return this.showReport(report, 'put back')
  }
}
