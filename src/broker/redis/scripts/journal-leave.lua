-- Takes a reader of the journal off; the last one takes the record with it.
-- KEYS 1 journal, 2 its readers, 3 its batches   ARGV 1 reader   Reply number of readers left
local t = redis.call('TIME')
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', t[1] * 1000 + math.floor(t[2] / 1000))
local left = redis.call('ZCARD', KEYS[2])
if left == 0 then redis.call('DEL', KEYS[1], KEYS[2], KEYS[3]) end
return left
