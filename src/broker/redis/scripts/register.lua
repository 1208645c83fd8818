-- Opens an incarnation.
-- KEYS 1 registry, 2 epoch, 3 lease, 4 set of known queues
-- ARGV 1 incarnation, 2 entry (JSON), 3 lease ms, queues…
-- The first write is a DEL: then the rest passes at maxmemory, where a worker is needed most.
redis.call('DEL', KEYS[3])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[3]) -- the epoch holds the length of the lease, for whoever renews it
redis.call('SET', KEYS[3], '1', 'PX', ARGV[3])
for i = 4, #ARGV do redis.call('SADD', KEYS[4], ARGV[i]) end
return 1
