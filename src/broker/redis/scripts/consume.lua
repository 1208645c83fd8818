-- A worker consumes other queues from now on.
-- KEYS 1 epoch, 2 registry, 3 set of known queues   ARGV 1 incarnation, 2 entry (JSON), queues…   Reply 'ok' | 'lost'
if redis.call('EXISTS', KEYS[1]) == 0 then return 'lost' end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
for i = 3, #ARGV do redis.call('SADD', KEYS[3], ARGV[i]) end
return 'ok'
