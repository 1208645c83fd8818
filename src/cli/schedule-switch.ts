/** What `schedule enable` and `schedule disable` have in common. */
import * as Args from '@oclif/core/args'
import type { Command } from '@oclif/core/command'
import { CelerityError } from '../errors.js'
import { ScheduleCommand } from './schedule-command.js'
import { findEntry, readable } from './schedule-entries.js'

export interface Switched {
  readonly enabled: boolean
  readonly names: readonly string[]
}

export const SWITCH_ARGS = { name: Args.string({ required: true, description: 'names of entries' }) }

export abstract class ScheduleSwitch<C extends typeof Command> extends ScheduleCommand<C> {
  protected async turn(enabled: boolean): Promise<Switched> {
    const names = [...new Set(this.words)]
    const known = await this.known()
    const chosen = names.map((name) => findEntry(known, name))
    for (const one of chosen) {
      if (!enabled || readable(one).enabled) continue
      throw new CelerityError('E_SCHEDULE', {
        message: `Entry ${JSON.stringify(one.name)} says itself that it is disabled`,
        hint: one.source === 'settings' ? 'Change it in the settings or in code.' : 'Add it anew, with --replace.',
      })
    }
    const schedules = await this.schedules()
    for (const one of chosen) {
      await this.store(one)
      await schedules.setEnabled(one.name, enabled)
    }
    return { enabled, names }
  }
}
