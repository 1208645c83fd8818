-- Prolongs a lease, and notes which positions have started (suspects, should this worker vanish).
-- KEYS 1 epoch, 2 lease, 3 lanes, 4 started (set), 5 generation   ARGV started 'lane:position'…
-- The epoch's value is the length of the lease in ms.
-- Reply {'lost', generation or nothing} | {'kept', generation, lane, …}
-- PEXPIRE passes at maxmemory where SET is refused, and as the first write it lets the rest pass.
local lease = redis.call('GET', KEYS[1])
local generation = redis.call('GET', KEYS[5]) or ''
if not lease then return {'lost', generation} end
if redis.call('PEXPIRE', KEYS[2], lease) == 0 then redis.pcall('SET', KEYS[2], '1', 'PX', lease) end
redis.call('DEL', KEYS[4])
for from = 1, #ARGV, 1000 do redis.pcall('SADD', KEYS[4], unpack(ARGV, from, math.min(from + 999, #ARGV))) end -- unpack() has a limit
local lanes = redis.call('HKEYS', KEYS[3])
table.insert(lanes, 1, 'kept')
table.insert(lanes, 2, generation)
return lanes
