-- The last step of reaping: forgets a fenced worker that has no lanes left.
-- KEYS 1 epoch, 2 lanes, 3 registry, 4 marks, 5 start records, 6 started   ARGV 1 incarnation
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('HLEN', KEYS[2]) > 0 then return 0 end
redis.call('DEL', KEYS[4], KEYS[5], KEYS[6])
redis.call('HDEL', KEYS[3], ARGV[1])
return 1
