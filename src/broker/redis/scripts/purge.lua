-- Empties a queue, but for what is leased and what is dead. A script and no transaction: at maxmemory Redis queues none.
-- KEYS 1-4 lists, 5 delayed zset, 6 delayed hash, then schedule entries that tasks have held open
-- Reply {ready, delayed, fields and values of each entry…}
local ready = 0
for i = 1, 4 do ready = ready + redis.call('LLEN', KEYS[i]) end
local reply = {ready, redis.call('ZCARD', KEYS[5])}
redis.call('DEL', unpack(KEYS, 1, 6))
for i = 7, #KEYS do
  local row = redis.pcall('HGETALL', KEYS[i])
  reply[#reply + 1] = row.err and {} or row -- a damaged one holds nothing
end
return reply
