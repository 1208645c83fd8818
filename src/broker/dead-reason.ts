import { BAD_CODES } from '../protocol/refusal.js'

/** Why a message is among the dead letters; short and stable (`docs/errors.md` has a paragraph on each). */
export const DEAD_REASONS = [...BAD_CODES, 'unregistered', 'unsupported', 'rejected', 'delivery-limit', 'refused-by-broker'] as const
export type DeadReason = (typeof DEAD_REASONS)[number]
