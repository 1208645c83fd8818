/**
 * A task that started says so on the worker's standard output, with the nanoseconds since it was sent. The clock is the machine's monotonic
 * one, which all processes share and which Python's `time.monotonic_ns` reads too.
 */
export function tellStart(sent) {
  process.stdout.write(`started ${Number(process.hrtime.bigint()) - sent}\n`)
}

export function now() {
  return Number(process.hrtime.bigint())
}
