-- Moves delayed messages whose time has come to the front of their lists.
-- KEYS per queue: zset, hash, four lists   ARGV 1 most per queue   Reply number moved
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local moved = 0
for k = 1, #KEYS, 6 do
  local due = redis.pcall('ZRANGE', KEYS[k], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1])
  if not due.err then
    for d = #due, 1, -1 do
      local raw = redis.call('HGET', KEYS[k + 1], due[d])
      redis.call('ZREM', KEYS[k], due[d])
      local pushed = raw and redis.pcall('RPUSH', KEYS[k + 2 + tonumber(string.sub(due[d], 1, 1))], raw)
      if type(pushed) == 'table' then
        redis.call('ZADD', KEYS[k], now + 60000, due[d]) -- the queue's key is no list: once more in a minute
      else
        redis.call('HDEL', KEYS[k + 1], due[d])
        moved = moved + 1
      end
    end
  end
end
return moved
