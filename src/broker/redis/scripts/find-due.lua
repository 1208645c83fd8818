-- Queues in which something is due: nearly all names that were ever used have nothing.
-- KEYS per queue: zset   Reply the numbers of the queues, from 1; one that can't be read is among them
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local found = {}
for k = 1, #KEYS do
  local first = redis.pcall('ZRANGE', KEYS[k], 0, 0, 'WITHSCORES')
  if first.err or (first[2] and tonumber(first[2]) <= now) then found[#found + 1] = k end
end
return found
