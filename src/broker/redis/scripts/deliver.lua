-- To the queues that are bound to a direct exchange with this routing key, as kombu does: SMEMBERS, then LPUSH.
-- KEYS 1 the exchange's bindings (set: key, pattern and queue, with two bytes between), 2 scratch
-- ARGV 1 routing key, 2 raw, 3 prefix of lists, 4 ms after which a list that nobody reads is gone   Reply number of queues
-- The first write is a DEL: then the rest passes at maxmemory.
local begin = ARGV[1] .. '\6\22'
local count = 0
redis.call('DEL', KEYS[2])
for _, member in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if string.sub(member, 1, #begin) == begin then
    local pattern = string.find(member, '\6\22', #begin + 1, true)
    if pattern then
      local list = ARGV[3] .. string.sub(member, pattern + 2)
      redis.call('LPUSH', list, ARGV[2])
      redis.call('PEXPIRE', list, ARGV[4])
      count = count + 1
    end
  end
end
return count
