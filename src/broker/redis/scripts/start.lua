-- Start records of `acks: 'early'`: from now on these positions are never given back.
-- KEYS 1 epoch, 2 lanes, 3 start records (hash)   ARGV lane, position, lane, position, …
-- HDEL passes at maxmemory where HSET is refused, and as the first write it lets the rest pass.
if redis.call('EXISTS', KEYS[1]) == 0 then return 'lost' end
redis.call('HDEL', KEYS[3], '')
for i = 1, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1 then redis.call('HSET', KEYS[3], ARGV[i] .. ':' .. ARGV[i + 1], '1') end
end
return 'ok'
