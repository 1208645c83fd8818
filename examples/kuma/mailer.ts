/** A mail server as they are: slow, greylisting (the first try of a stranger is refused for now), and some boxes do not exist. */
import { takeTime } from './pace.js'
import { store } from './wiki.js'

export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Refused for now: worth another try. */
export class SmtpError extends Error {
  static readonly celeryModule = 'smtplib'
  override readonly name: string = 'SMTPException'
}

/** Refused for good: no try will ever help. */
export class NoSuchMailbox extends Error {
  static readonly celeryModule = 'smtplib'
  override readonly name = 'SMTPRecipientsRefused'
}

/** @throws SmtpError, NoSuchMailbox */
export async function deliver(mail: Mail, signal?: AbortSignal): Promise<void> {
  await takeTime(0.05, signal)
  if (mail.to.startsWith('nobody')) throw new NoSuchMailbox(`550 no such mailbox: ${mail.to}`)
  // Every third reader's server greylists: it lets in only those who come back.
  if (sum(mail.to) % 3 === 0 && (await store.add('greylist', mail.to + mail.subject, 3600))) {
    throw new SmtpError(`450 greylisted, try again later: ${mail.to}`)
  }
  await store.append('outbox', 'sent', mail)
}

export function outbox(): Promise<readonly Mail[]> {
  return store.lines<Mail>('outbox', 'sent')
}

function sum(text: string): number {
  return [...text].reduce((total, letter) => total + (letter.codePointAt(0) ?? 0), 0)
}
