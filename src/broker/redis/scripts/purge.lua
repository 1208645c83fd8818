-- Empties a queue, but for what is leased and what is dead. A script and no transaction: at maxmemory Redis queues none.
-- KEYS 1-4 lists, 5-8 lists of suspects, 9 delayed zset, 10 delayed hash, then schedule entries that tasks have held open
-- Reply {ready, suspects, delayed, fields and values of each entry…}
local function waiting(from)
  local count = 0
  for i = from, from + 3 do count = count + redis.call('LLEN', KEYS[i]) end
  return count
end
local reply = {waiting(1), waiting(5), redis.call('ZCARD', KEYS[9])}
redis.call('DEL', unpack(KEYS, 1, 10))
for i = 11, #KEYS do
  local row = redis.pcall('HGETALL', KEYS[i])
  reply[#reply + 1] = row.err and {} or row -- a damaged one holds nothing
end
return reply
