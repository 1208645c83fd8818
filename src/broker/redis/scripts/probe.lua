-- Whether this user may do what the other scripts do: each command once, on keys that are nobody's, and a look at each key that is needed.
-- KEYS 1 scratch   ARGV 1 channel, 2 db of the broker, 3 key of a result that is nobody's (empty: none are stored here), 4 its db, 5 the
--      pattern of such keys, then keys that must be within reach… (as KEYS they would have the server refuse the whole script, unnamed)
-- Reply: what is refused, in the words of the server's access lists: '+lpush', '~celery', '&…'. Nothing is left behind.
-- Any other refusal (no memory, no disk, a key of another type) is none of this script's business.
local scratch, channel, missing = KEYS[1], ARGV[1], {}
local home, result, db, results = ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local function refused(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return false end
  local text = reply.err
  return string.find(text, 'NOPERM', 1, true) or string.find(text, 'user executing the script', 1, true) or string.find(text, '[Uu]nknown.*command')
end

local function needs(name, ...)
  if refused(name, ...) then missing[#missing + 1] = '+' .. string.lower(name) end
end

needs('DEL', scratch)
if #missing > 0 then return missing end -- what the next ones write could not be taken away
local function on(rows)
  for _, row in ipairs(rows) do needs(row[1], scratch, unpack(row, 2)) end
  redis.pcall('DEL', scratch)
end
on({ { 'EXISTS' }, { 'TYPE' }, { 'SET', '1' }, { 'GET' }, { 'INCR' }, { 'GETRANGE', 0, 1 }, { 'PEXPIRE', 1000 }, { 'PTTL' }, { 'PEXPIREAT', 99999999999999 }, { 'EXPIRE', 1 } })
on({ { 'HSET', 'a', '1' }, { 'HGET', 'a' }, { 'HMGET', 'a' }, { 'HGETALL' }, { 'HKEYS' }, { 'HLEN' }, { 'HEXISTS', 'a' }, { 'HINCRBY', 'a', 1 }, { 'HDEL', 'a' } })
on({
  { 'LPUSH', 'a' }, { 'RPUSH', 'a' }, { 'LLEN' }, { 'LRANGE', 0, 0 }, { 'LINDEX', 0 }, { 'LSET', 0, 'a' }, { 'LREM', 1, 'b' },
  { 'LTRIM', 0, -1 }, { 'LMOVE', scratch, 'RIGHT', 'LEFT' }, { 'RPOP' }, { 'LPOP' },
})
on({ { 'SADD', 'a' }, { 'SCARD' }, { 'SISMEMBER', 'a' }, { 'SMEMBERS' }, { 'SREM', 'a' } })
on({
  { 'ZADD', 1, 'a' }, { 'ZCARD' }, { 'ZCOUNT', 0, 1 }, { 'ZRANGE', 0, 0 }, { 'ZRANGEBYSCORE', 0, 1 }, { 'ZSCORE', 'a' },
  { 'ZREMRANGEBYSCORE', 5, 6 }, { 'ZREMRANGEBYRANK', 5, 6 }, { 'ZREM', 'a' },
})
on({ { 'XADD', '*', 'a', '1' }, { 'XRANGE', '-', '+' } })
needs('TIME')
if refused('PUBLISH', channel, '') then missing[#missing + 1] = '+publish, &' .. channel end
for k = 6, #ARGV do
  if refused('EXISTS', ARGV[k]) then missing[#missing + 1] = '~' .. ARGV[k] end
end
-- As settle.lua stores it.
if result ~= '' then
  if db ~= home and refused('SELECT', db) then
    missing[#missing + 1] = '+select'
  else
    if refused('SET', result, '', 'NX', 'PX', 1) or refused('GETRANGE', result, 0, 1) then missing[#missing + 1] = '~' .. results end
    if refused('PUBLISH', result, '') then missing[#missing + 1] = '&' .. results end
    redis.pcall('DEL', result)
    if db ~= home then redis.call('SELECT', home) end
  end
end
return missing
