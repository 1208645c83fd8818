-- Takes one message out of kombu's `unacked` and puts it elsewhere, if it is still there as it was read and still overdue.
-- KEYS 1 unacked (hash), 2 its index (zset), 3 list, 4 scratch, 5 set of known queues
-- ARGV 1 delivery tag, 2 the entry as it was read (empty: there was none), 3 latest time of delivery, 4 'RPUSH' | 'LPUSH', 5 what to push,
--      6 queue
-- Reply 1 it was put there, 0 not
local score = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not score or tonumber(score) > tonumber(ARGV[3]) then return 0 end
local entry = redis.call('HGET', KEYS[1], ARGV[1])
if (entry or '') ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[4]) -- then the rest passes at maxmemory
if entry then
  redis.call(ARGV[4], KEYS[3], ARGV[5])
  redis.call('SADD', KEYS[5], ARGV[6])
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
return entry and 1 or 0
