-- Stores a batch of messages, all or none, once however often it is sent.
-- KEYS 1 the producer's mark (last batch number), 2 set of known queues, then per group: list, or delayed zset + delayed hash
-- ARGV 1 batch number, 2 milliseconds the mark lives, 3 number of queues, their names…, then per group:
--      'l' count raw…   |   'd' member due raw
-- Reply 1 stored, 0 was stored before, or an error: nothing was
-- The SET comes first: at maxmemory it is refused, and then nothing of the batch is written.
local last = redis.call('GET', KEYS[1])
if last and tonumber(last) >= tonumber(ARGV[1]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2]) -- a write, for WAIT answers for the last one of its connection
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local first = 4 + tonumber(ARGV[3])

-- A key of another type refuses one group. A script is not rolled back: what was stored before it is taken out again, and the mark, or else
-- the sender, told that nothing was stored, sends the others once more.
local function undo(refusal, refused)
  local a, k = first, 3
  while a <= refused do
    if ARGV[a] == 'l' then
      if a < refused then redis.call('LPOP', KEYS[k], ARGV[a + 1]) end
      a, k = a + 2 + tonumber(ARGV[a + 1]), k + 1
    else
      if a < refused then redis.call('ZREM', KEYS[k], ARGV[a + 1]) end
      redis.pcall('HDEL', KEYS[k + 1], ARGV[a + 1])
      a, k = a + 4, k + 2
    end
  end
  if last then redis.call('SET', KEYS[1], last, 'PX', ARGV[2]) else redis.call('DEL', KEYS[1]) end
  return redis.error_reply((string.gsub(refusal, '^-', '')))
end

for i = 4, first - 1 do
  local known = redis.pcall('SADD', KEYS[2], ARGV[i])
  if type(known) == 'table' then return undo(known.err, first - 1) end
end
local a, k = first, 3
while a <= #ARGV do
  local group, stored = a, nil
  if ARGV[a] == 'l' then
    local count = tonumber(ARGV[a + 1])
    local from = a + 2
    a = from + count
    while from < a do
      local to = math.min(from + 999, a - 1) -- unpack() has a limit of some thousands
      stored = redis.pcall('LPUSH', KEYS[k], unpack(ARGV, from, to))
      if type(stored) == 'table' then break end
      from = to + 1
    end
    k = k + 1
  else
    stored = redis.pcall('HSET', KEYS[k + 1], ARGV[a + 1], ARGV[a + 3])
    if type(stored) == 'number' then stored = redis.pcall('ZADD', KEYS[k], ARGV[a + 2], ARGV[a + 1]) end
    a = a + 4
    k = k + 2
  end
  if type(stored) == 'table' then return undo(stored.err, group) end
end
return 1
