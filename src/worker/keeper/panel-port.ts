/** What the keeper asks of the main thread: the answers to remote control that only the one who runs the tasks can give. */

/** Answers control requests where the tasks run; `../panel/` is one. */
export interface Panel {
  /**
   * Carries out `method` with keyword arguments as they came (a stranger's: check each). Only methods of `CONTROL_METHODS` come here, by
   * their wire names, aliases included. Never rejects: what goes wrong is a reply `{ error: text }`.
   */
  handle(method: string, args: Readonly<Record<string, unknown>>): Promise<PanelAnswer>
}

/** `silent`: nothing is sent, as Celery does for `shutdown`. A value is plain data that JSON with markers can hold. */
export type PanelAnswer = { readonly kind: 'reply'; readonly value: unknown } | { readonly kind: 'silent' }

/** Who may do what from afar: nothing is heard, questions only, or all. */
export type RemoteControl = 'off' | 'inspect' | 'full'
