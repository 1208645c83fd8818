-- A worker consumes other queues from now on.
-- KEYS 1 epoch, 2 registry, 3 set of known queues, then per queue: kombu's bindings
-- ARGV 1 incarnation, 2 entry (JSON), then per queue: its name and its member among the bindings   Reply 'ok' | 'lost'
-- HDEL passes at maxmemory where HSET is refused, and as the first write it lets the rest pass.
if redis.call('EXISTS', KEYS[1]) == 0 then return 'lost' end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
for i = 4, #KEYS do
  local a = 2 * i - 5
  redis.call('SADD', KEYS[3], ARGV[a])
  redis.call('SADD', KEYS[i], ARGV[a + 1])
end
return 'ok'
