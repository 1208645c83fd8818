-- Slots of a rate limit over all workers: GCRA with capacity 1 (Celery's: no bursts).
-- KEYS 1 the limit, 2 this reservation   ARGV 1 interval ms, 2 count, 3 milliseconds that the reservation is remembered
-- Reply per slot: milliseconds from now
-- Sent twice it returns the slots of the first time: those of a hundred messages taken at once may be a quarter of an hour.
-- The first write is a DEL: then the rest passes at maxmemory, where tasks under a limit must go on like all others.
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local interval, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local reserved = tonumber(redis.call('GET', KEYS[2]) or '')
local first = reserved or math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local waits = {}
for i = 1, count do waits[i] = math.max(0, math.ceil(first + (i - 1) * interval - now)) end
if reserved then return waits end
local at = first + count * interval
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], string.format('%.3f', at), 'PX', math.ceil(at - now) + 1000)
redis.call('SET', KEYS[2], string.format('%.3f', first), 'PX', ARGV[3])
return waits
