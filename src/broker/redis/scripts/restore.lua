-- Opens an incarnation again whose keys are all gone (FLUSHALL, a server that came back without its data), with what it still holds.
-- KEYS 1 registry, 2 epoch, 3 lease, 4 set of known queues, 5 generation, 6 lanes, 7 marks, 8 start records
-- ARGV 1 incarnation, 2 entry (JSON), 3 lease ms, 4 generation it was registered in, 5 generation if there is none,
--      6 prefix of lane keys, 7 prefix of done keys, 8 number of the last take,
--      9 number of queues, queues…, number of start records, positions…,
--      then per lane: name, list it came from, size, the messages (those that are settled: empty), number of settled positions, positions…
-- Reply {'lost'}: nothing was wiped, it was fenced | {'ok', generation}
local generation = redis.call('GET', KEYS[5])
if generation == ARGV[4] then return {'lost'} end
if redis.call('EXISTS', KEYS[2]) == 1 then return {'ok', generation} end -- sent twice
redis.call('DEL', KEYS[3])
redis.call('SET', KEYS[5], ARGV[5], 'NX')
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[3])
redis.call('SET', KEYS[3], '1', 'PX', ARGV[3])
redis.call('HSET', KEYS[7], 'last', ARGV[8])
local a = 10
for _ = 1, tonumber(ARGV[9]) do
  redis.call('SADD', KEYS[4], ARGV[a])
  a = a + 1
end
a = a + 1
for _ = 1, tonumber(ARGV[a - 1]) do
  redis.call('HSET', KEYS[8], ARGV[a], '1')
  a = a + 1
end
while a <= #ARGV do
  local name, size = ARGV[a], tonumber(ARGV[a + 2])
  redis.call('HSET', KEYS[6], name, ARGV[a + 1])
  for p = 1, size do redis.call('RPUSH', ARGV[6] .. name, ARGV[a + 2 + p]) end
  a = a + 3 + size
  for d = 1, tonumber(ARGV[a]) do redis.call('SADD', ARGV[7] .. name, ARGV[a + d]) end
  a = a + 1 + tonumber(ARGV[a])
end
return {'ok', redis.call('GET', KEYS[5])}
