-- Fences a worker whose lease ran out: from now on nothing of that incarnation is written. One reaper at a time goes on from here.
-- KEYS 1 lease, 2 epoch, 3 the reaper's mark   ARGV 1 milliseconds the mark lives (a reaper that dies is followed by another)
-- Reply 1 fenced (now or before) and ours to give back, 0 the lease stands, or another reaper is at it
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('DEL', KEYS[2])
if redis.call('SET', KEYS[3], '1', 'NX', 'PX', ARGV[1]) then return 1 end
return 0
