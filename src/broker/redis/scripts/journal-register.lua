-- Registers a reader of the journal, or prolongs it. The first one makes the record, and the record lives as long as the last one.
-- KEYS 1 journal (hash: id, newest), 2 its readers (zset: name -> end in ms), 3 its batches (stream)
-- ARGV 1 reader, 2 ms, 3 id of a new record   Reply {id, newest}
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) == 0 or redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
  redis.call('HSET', KEYS[1], 'id', ARGV[3], 'newest', 0)
end
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]
for i = 1, 3 do redis.call('PEXPIREAT', KEYS[i], last) end
return redis.call('HMGET', KEYS[1], 'id', 'newest')
