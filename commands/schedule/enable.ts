import { ScheduleSwitch, SWITCH_ARGS, type Switched } from '../../src/cli/schedule-switch.js'

export default class ScheduleEnable extends ScheduleSwitch<typeof ScheduleEnable> {
  static override summary = 'Send schedule entries again'
  static override description = 'Their plans begin anew: what came due meanwhile is not made up for.'
  static override examples = ['<%= config.bin %> schedule enable feeds']
  static override strict = false
  static override args = SWITCH_ARGS

  async run(): Promise<Switched> {
    return this.show(await this.turn(true), ({ names }) => `${names.join(', ')}: enabled`)
  }
}
