/** What the commands about schedules have in common. */
import { hostname } from 'node:os'
import type { Command } from '@oclif/core/command'
import { declaredEntries } from '../app/schedules.js'
import type { Schedules } from '../broker/schedules.js'
import { nearest } from '../config/spelling.js'
import { encodeEntry, type ScheduleRead } from '../protocol/schedule.js'
import { BaseCommand } from './base-command.js'
import { findEntry, type KnownEntry, knownEntries, readable } from './schedule-entries.js'

export abstract class ScheduleCommand<C extends typeof Command> extends BaseCommand<C> {
  protected async schedules(): Promise<Schedules> {
    return (await this.broker()).schedules
  }

  /** What settings and, where an application is named and loads, its code declare. */
  protected async declared(): Promise<ScheduleRead> {
    const settings = await this.settings()
    return declaredEntries(await this.appIfNamed().catch(() => null), settings) // that it did not load was said with the settings
  }

  protected async known(): Promise<readonly KnownEntry[]> {
    return knownEntries(await this.schedules(), await this.declared())
  }

  /** @throws E_NOT_FOUND; E_SCHEDULE for one that is declared so that it cannot be read */
  protected async entry(name: string): Promise<KnownEntry> {
    return findEntry(await this.known(), name)
  }

  /** Does what the next beat would do first: an entry that is declared and was never stored has nothing to be switched or noted at. */
  protected async store(known: KnownEntry): Promise<void> {
    if (known.stored !== null) return
    await (await this.schedules()).put([{ name: known.name, json: encodeEntry(readable(known)), source: known.source }])
  }

  /** Nobody may run it: said where the application is known, and not refused, for it may live elsewhere. */
  protected async warnOfUnknown(task: string): Promise<void> {
    const { registry } = await this.client()
    const names = registry.names()
    if (names.length === 0 || registry.get(task) !== undefined) return
    const meant = nearest(task, names)
    this.caution(`${task} is not registered in this application${meant === null ? '' : `; did you mean ${meant}?`}`)
  }

  /** Who did it, in histories. */
  protected get node(): string {
    return `tasks@${hostname()}`
  }
}
