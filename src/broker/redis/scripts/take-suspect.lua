-- Takes one suspect into a lane of its own; the same number again returns the same lane.
-- KEYS 1 epoch, 2 lanes (hash: lane name -> source list), 3 marks (hash: last, closed), 4 count of revocations,
--      then lists of suspects, in the order in which they are looked at
-- ARGV 1 seq, 2 prefix of lane keys
-- Reply {'lost'} | {'ok', now ms, revocations} | {'ok', now ms, revocations, source number, raw}
-- At maxmemory the first write is one that is never refused (RPOP), so the script passes.
if redis.call('EXISTS', KEYS[1]) == 0 then return {'lost'} end
local seq = tonumber(ARGV[1])
local t = redis.call('TIME')
local now = tostring(t[1] * 1000 + math.floor(t[2] / 1000))
local revocations = redis.call('GET', KEYS[4]) or '0'
local marks = redis.call('HMGET', KEYS[3], 'last', 'closed')
local closed = marks[2] and seq <= tonumber(marks[2])
local before = marks[1] and seq <= tonumber(marks[1])
for i = 5, #KEYS do
  local source = i - 4
  local name = seq .. '/s' .. source
  if closed then break end
  if before then
    if redis.call('HEXISTS', KEYS[2], name) == 1 then
      return {'ok', now, revocations, source, redis.call('LINDEX', ARGV[2] .. name, 0)}
    end
  else
    local raw = redis.pcall('RPOP', KEYS[i])
    if type(raw) == 'string' then
      redis.call('RPUSH', ARGV[2] .. name, raw)
      redis.call('HSET', KEYS[2], name, KEYS[i])
      redis.call('HSET', KEYS[3], 'last', seq)
      return {'ok', now, revocations, source, raw}
    end
  end
end
return {'ok', now, revocations}
