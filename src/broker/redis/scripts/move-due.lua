-- Moves delayed messages whose time has come to the front of their lists.
-- KEYS per queue: zset, hash, four lists   ARGV 1 most per queue
-- Reply {number moved, number of a queue that can't be read (from 1), error, …}
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local reply = {0}
for k = 1, #KEYS, 6 do
  local due = redis.pcall('ZRANGE', KEYS[k], '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1])
  local raws = due
  if not due.err and #due > 0 then raws = redis.pcall('HMGET', KEYS[k + 1], due[1]) end
  if raws.err then
    reply[#reply + 1] = (k + 5) / 6
    reply[#reply + 1] = raws.err
  else
    for d = #due, 1, -1 do
      local raw = redis.call('HGET', KEYS[k + 1], due[d])
      redis.call('ZREM', KEYS[k], due[d])
      local pushed = raw and redis.pcall('RPUSH', KEYS[k + 2 + tonumber(string.sub(due[d], 1, 1))], raw)
      if type(pushed) == 'table' then
        redis.call('ZADD', KEYS[k], now + 60000, due[d]) -- the queue's key is no list: once more in a minute
      else
        redis.call('HDEL', KEYS[k + 1], due[d])
        reply[1] = reply[1] + 1
      end
    end
  end
end
return reply
