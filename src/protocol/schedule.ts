/** The door to periodic tasks as data: schedules and entries, how they are written, and how they are read. */
export { CRONTAB_FIELDS, type CrontabField, type CrontabTimes, expandCrontab } from './crontab-fields.js'
export {
  decodeEntry,
  type EntryProblem,
  encodeEntry,
  readBeatSchedule,
  readEntry,
  type ScheduleRead,
} from './entry-reader.js'
export * from './schedule-entry.js'
export { type CrontabInput, clocked, crontab, every, solar } from './schedule-forms.js'
export type { EntryGiven, EntryTerms, ScheduleGiven } from './schedule-given.js'
export { isTimezone } from './timezone.js'
