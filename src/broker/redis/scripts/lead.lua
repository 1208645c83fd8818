-- Acquires or renews the lead of the schedules.
-- KEYS 1 schedule (hash: id, node, epoch, from, until, lease), 2 past reigns, 3 scratch   ARGV 1 id, 2 node, 3 lease ms, 4 reigns kept
-- Reply {1, epoch, now} | {0, node, until, now}
-- The first write is a DEL: then the rest passes at maxmemory, and the leader goes on leading.
redis.call('DEL', KEYS[3])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local m = redis.call('HMGET', KEYS[1], 'id', 'node', 'epoch', 'from', 'until', 'lease')
local lead = tonumber(m[5]) or 0
local longest = now + (tonumber(m[6]) or 0)
if m[1] and lead > longest then -- the clock was set back: no lease lasts longer than it was given for
  lead = longest
  redis.call('HSET', KEYS[1], 'until', lead)
end
if m[1] and lead > now and m[1] ~= ARGV[1] then return {0, m[2], tostring(lead), tostring(now)} end
local ends = now + tonumber(ARGV[3])
if m[1] and lead > now then
  redis.call('HSET', KEYS[1], 'until', ends, 'lease', ARGV[3])
  return {1, m[3], tostring(now)}
end
if m[1] then
  redis.call('LPUSH', KEYS[2], m[3] .. ' ' .. m[4] .. ' ' .. m[5] .. ' ' .. cjson.encode({m[1], m[2]}))
  redis.call('LTRIM', KEYS[2], 0, ARGV[4] - 1)
end
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('HSET', KEYS[1], 'id', ARGV[1], 'node', ARGV[2], 'from', now, 'until', ends, 'lease', ARGV[3])
return {1, tostring(epoch), tostring(now)}
