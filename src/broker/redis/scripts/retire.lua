-- The last step of reaping: ends the reaper's mark, and forgets a fenced worker that has no lanes left.
-- KEYS 1 epoch, 2 lanes, 3 registry, 4 marks, 5 start records, 6 started, 7 the reaper's mark   ARGV 1 incarnation
redis.call('DEL', KEYS[7])
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('HLEN', KEYS[2]) > 0 then return 0 end
redis.call('DEL', KEYS[4], KEYS[5], KEYS[6])
return redis.call('HDEL', KEYS[3], ARGV[1])
