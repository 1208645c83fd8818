import { DEAD_ARGS, DEAD_FLAGS, DeadCommand, type DeadReport } from '../../src/cli/dead-command.js'

export default class DeadDrop extends DeadCommand<typeof DeadDrop> {
  static override summary = 'Remove dead letters for good'
  static override description = 'Nothing of them is kept.'
  static override examples = ['<%= config.bin %> dead drop 3f2a9c1b', '<%= config.bin %> dead drop --all -Q mail --reason unregistered']
  static override strict = false
  static override args = DEAD_ARGS
  static override flags = DEAD_FLAGS

  async run(): Promise<DeadReport> {
    const report = await this.work('drop', (broker, queue, letters) =>
      broker.queues.dropDead(
        queue,
        letters.map(({ id }) => id),
      ),
    )
    return this.showReport(report, 'dropped')
  }
}
