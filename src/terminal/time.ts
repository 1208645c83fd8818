/** Spans and moments for people; JSON has ISO 8601 instead. */

const STEPS = [
  { unit: 'd', seconds: 86_400 },
  { unit: 'h', seconds: 3600 },
  { unit: 'm', seconds: 60 },
  { unit: 's', seconds: 1 },
] as const

/** The two largest units, as `--since 2h5m` takes them: `350ms`, `4.2s`, `12s`, `2m5s`, `3d4h`. */
export function spanText(seconds: number): string {
  if (!Number.isFinite(seconds)) return '-'
  if (seconds < 0) return `-${spanText(-seconds)}`
  if (seconds === 0) return '0s'
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)}ms`
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))}s`
  const whole = Math.round(seconds)
  const first = STEPS.findIndex((step) => whole >= step.seconds)
  const { unit, seconds: size } = STEPS[first]!
  const next = STEPS[first + 1]
  const rest = next === undefined ? 0 : Math.floor((whole % size) / next.seconds)
  return `${Math.floor(whole / size)}${unit}${rest === 0 ? '' : `${rest}${next!.unit}`}`
}

/** `3m ago`, `in 12s`, `now`; both in milliseconds since 1970. */
export function relative(moment: number, now: number): string {
  const seconds = (moment - now) / 1000
  if (Math.abs(seconds) < 1) return 'now'
  // The largest unit alone: what happened 3d4h ago happened 3d ago.
  const text = /^\d+(?:\.\d+)?[a-z]+/.exec(spanText(Math.round(Math.abs(seconds))))![0]
  return seconds < 0 ? `${text} ago` : `in ${text}`
}
