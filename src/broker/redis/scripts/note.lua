-- Leaves the last word of a worker, with its registry entry, so that both outlive it.
-- KEYS 1 epoch, 2 registry, 3 times of notes (zset: incarnation -> ms), 4 notes (hash)   ARGV 1 incarnation, 2 state, 3 ms a note is kept
-- Reply 1 left, 0 it was fenced or has resigned
-- PEXPIRE passes at maxmemory where HSET is refused, and as the first write it lets the rest pass.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local entry = redis.call('HGET', KEYS[2], ARGV[1])
if not entry then return 0 end
redis.call('PEXPIRE', KEYS[4], ARGV[3])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[3])) do
  redis.call('ZREM', KEYS[3], old)
  redis.call('HDEL', KEYS[4], old)
end
redis.call('HSET', KEYS[4], ARGV[1], entry .. '\n' .. ARGV[2])
redis.call('ZADD', KEYS[3], now, ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
redis.call('PEXPIRE', KEYS[4], ARGV[3])
return 1
