-- Switches a schedule entry on or off. Switched on, its plan begins anew.
-- KEYS 1 schedule, 2 names, 3 entry   ARGV 1 name, 2 '1' on, '0' off   Reply 1 there is such an entry, 0 there is none
if not redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
local enabled = redis.call('HGET', KEYS[3], 'enabled') == '0' and '0' or '1'
if enabled == ARGV[2] then return 1 end
redis.call('HSET', KEYS[3], 'enabled', ARGV[2])
if ARGV[2] == '1' then redis.call('HSET', KEYS[3], 'planned', '') end
redis.call('ZADD', KEYS[2], redis.call('HINCRBY', KEYS[1], 'version', 1), ARGV[1])
return 1
