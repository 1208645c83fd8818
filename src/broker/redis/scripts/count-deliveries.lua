-- Counts that messages were found with a dead worker: by the worker, so that one death counts once however often it is sent, by however
-- many reapers.
-- KEYS per message: the workers it was found with (set)   ARGV 1 incarnation, 2 seconds they are remembered   Reply per message: how many
-- EXPIRE passes at maxmemory where SADD is refused, and as the first write it lets the rest pass.
local counts = {}
for i, key in ipairs(KEYS) do
  redis.call('EXPIRE', key, ARGV[2])
  redis.call('SADD', key, ARGV[1])
  redis.call('EXPIRE', key, ARGV[2])
  counts[i] = redis.call('SCARD', key)
end
return counts
