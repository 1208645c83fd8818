-- Stores a batch of messages, all or none, once however often it is sent.
-- KEYS 1 the producer's mark (last batch number), 2 set of known queues, then per group: list, or delayed zset + delayed hash
-- ARGV 1 batch number, 2 milliseconds the mark lives, 3 number of queues, their names…, then per group:
--      'l' count raw…   |   'd' member due raw
-- Reply 1 stored, 0 was stored before
-- The SET comes first: at maxmemory it is refused, and then nothing of the batch is written.
local last = redis.call('GET', KEYS[1])
if last and tonumber(last) >= tonumber(ARGV[1]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2]) -- a write, for WAIT answers for the last one of its connection
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local a = 4 + tonumber(ARGV[3])
for i = 4, a - 1 do redis.call('SADD', KEYS[2], ARGV[i]) end
local k = 3
while a <= #ARGV do
  if ARGV[a] == 'l' then
    local count = tonumber(ARGV[a + 1])
    local from = a + 2
    a = from + count
    while from < a do
      local to = math.min(from + 999, a - 1) -- unpack() has a limit of some thousands
      redis.call('LPUSH', KEYS[k], unpack(ARGV, from, to))
      from = to + 1
    end
    k = k + 1
  else
    redis.call('HSET', KEYS[k + 1], ARGV[a + 1], ARGV[a + 3])
    redis.call('ZADD', KEYS[k], ARGV[a + 2], ARGV[a + 1])
    a = a + 4
    k = k + 2
  end
end
return 1
