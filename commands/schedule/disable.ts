import { ScheduleSwitch, SWITCH_ARGS, type Switched } from '../../src/cli/schedule-switch.js'

export default class ScheduleDisable extends ScheduleSwitch<typeof ScheduleDisable> {
  static override summary = 'Send schedule entries no more, until they are enabled'
  static override description =
    'Tasks that were sent already still run. It lasts over restarts and deployments, also for entries of code and settings.'
  static override examples = ['<%= config.bin %> schedule disable feeds']
  static override strict = false
  static override args = SWITCH_ARGS

  async run(): Promise<Switched> {
    return this.show(await this.turn(false), ({ names }) => `${names.join(', ')}: disabled`)
  }
}
