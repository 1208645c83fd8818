/** Longest task id that is accepted, in characters. Celery's own are 36. */
export const MAX_ID_LENGTH = 255

/**
 * Whether this may be a task id: 1 to 255 visible characters. Ids become key names and log fields, so spaces, control characters,
 * lone surrogates and steps up a path (`..`) are refused.
 */
export function isTaskId(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > MAX_ID_LENGTH) return false
  return (/^[\x21-\x7e]+$/.test(value) || /^[^\p{C}\p{Z}]+$/u.test(value)) && !hasParentStep(value)
}

function hasParentStep(id: string): boolean {
  return id.includes('..') && /(?:^|[\\/])\.\.(?:$|[\\/])/.test(id)
}
