/**
 * A result, ready to be written by whoever holds the transaction. A result store prepares it (`ResultStore.prepare`); a broker
 * on the same server carries it out inside its settle step, so that result and ack are one.
 */
export type PreparedWrite =
  | {
      readonly kind: 'redis'
      readonly db: number
      /** Full key, prefix included; also the channel on which waiting callers are told. */
      readonly key: string
      readonly value: string
      /** Milliseconds the value is kept; 0 keeps it for ever. */
      readonly ttlMs: number
    }
  | { readonly kind: 'sql'; readonly sql: string; readonly values: readonly (string | number | null)[] }
  | { readonly kind: 'memory'; apply(): void }
