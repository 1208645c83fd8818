export function redisOptions() {
  const { hostname, port } = new URL(process.env.BENCH_URL)
  return { host: hostname, port: Number(port), maxRetriesPerRequest: null }
}
