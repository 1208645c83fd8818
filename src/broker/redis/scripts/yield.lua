-- Gives the lead up.
-- KEYS 1 schedule, 2 past reigns   ARGV 1 id, 2 reigns kept   Reply 1 given up, 0 somebody else leads, or nobody
local m = redis.call('HMGET', KEYS[1], 'id', 'node', 'epoch', 'from', 'until')
if m[1] ~= ARGV[1] then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HDEL', KEYS[1], 'id', 'node', 'from', 'until', 'lease') -- never refused at maxmemory, and then neither is the rest
local ends = math.min(now, tonumber(m[5]) or now)
redis.call('LPUSH', KEYS[2], m[3] .. ' ' .. m[4] .. ' ' .. ends .. ' ' .. cjson.encode({m[1], m[2]}))
redis.call('LTRIM', KEYS[2], 0, ARGV[2] - 1)
return 1
