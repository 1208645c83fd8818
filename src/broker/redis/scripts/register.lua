-- Opens an incarnation.
-- KEYS 1 registry, 2 epoch, 3 lease, 4 set of known queues, 5 generation (random, as old as the data of this server)
-- ARGV 1 incarnation, 2 entry (JSON), 3 lease ms, 4 generation if there is none, queues…
-- Reply the generation
-- The first write is a DEL: then the rest passes at maxmemory, where a worker is needed most.
redis.call('DEL', KEYS[3])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[3]) -- the epoch holds the length of the lease, for whoever renews it
redis.call('SET', KEYS[3], '1', 'PX', ARGV[3])
for i = 5, #ARGV do redis.call('SADD', KEYS[4], ARGV[i]) end
redis.call('SET', KEYS[5], ARGV[4], 'NX')
return redis.call('GET', KEYS[5])
