-- Forgets schedule entries. Their names are remembered for a while, so that who reads edits hears of it.
-- KEYS 1 schedule, 2 names, 3 removed names, 4 names with holds, then per entry: entry, history   ARGV 1 removed kept, then names
-- Reply number that were there
local count = 0
for i = 2, #ARGV do
  local name = ARGV[i]
  if redis.call('ZREM', KEYS[2], name) == 1 then
    count = count + 1
    redis.call('DEL', KEYS[2 * i + 1], KEYS[2 * i + 2])
    redis.call('SREM', KEYS[4], name)
    redis.call('ZADD', KEYS[3], redis.call('HINCRBY', KEYS[1], 'version', 1), name)
  end
end
local over = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[1])
if over > 0 then
  local last = redis.call('ZRANGE', KEYS[3], over - 1, over - 1, 'WITHSCORES')
  redis.call('HSET', KEYS[1], 'forgotten', last[2])
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, over - 1)
end
return count
