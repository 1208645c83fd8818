-- Records revocations; the count tells workers that there is something new.
-- KEYS 1 revoked (zset: id -> end in ms), 2 count   ARGV 1 ttl ms, ids…
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
-- As Celery, 50,000 are remembered; those that end first go first.
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -50001)
return redis.call('INCR', KEYS[2])
