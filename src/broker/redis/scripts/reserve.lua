-- Slots of a rate limit over all workers: GCRA with capacity 1 (Celery's: no bursts).
-- KEYS 1 the limit   ARGV 1 interval ms, 2 count   Reply per slot: milliseconds from now
-- The first write is a DEL: then the rest passes at maxmemory, where tasks under a limit must go on like all others.
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local interval = tonumber(ARGV[1])
local at = tonumber(redis.call('GET', KEYS[1]) or '0')
local waits = {}
for i = 1, tonumber(ARGV[2]) do
  if at < now then at = now end
  waits[i] = math.ceil(at - now)
  at = at + interval
end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], string.format('%.3f', at), 'PX', math.ceil(at - now) + 1000)
return waits
