-- Fences a worker whose lease ran out: from now on nothing of that incarnation is written.
-- KEYS 1 lease, 2 epoch   Reply 1 fenced (now or before), 0 the lease stands
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('DEL', KEYS[2])
return 1
