-- Takes up to `max` messages into lanes, one lane per source list; the same number again returns the same lanes.
-- KEYS 1 epoch, 2 lanes (hash: lane name -> source list), 3 marks (hash: last, closed), 4 count of revocations,
--      then per queue: delayed zset, delayed hash; then the lists, step by step, at each step queue by queue
-- ARGV 1 seq, 2 max, 3 number of queues, 4 prefix of lane keys
-- Reply {'lost'} | {'ok', now ms, next due ms or -1, revocations, {source number, error, …}, {source number, {raw, …}, …}}
--       source numbers count from 1 in the order of the lists
-- Bytes pass through as values; at maxmemory the first write is one that is never refused (ZREM, RPOP), so the script passes.
if redis.call('EXISTS', KEYS[1]) == 0 then return {'lost'} end
local seq, max, n = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local base = 4 + 2 * n
local broken, taken, nextdue = {}, {}, -1
local revocations = redis.call('GET', KEYS[4]) or '0'

local marks = redis.call('HMGET', KEYS[3], 'last', 'closed')
if marks[2] and seq <= tonumber(marks[2]) then
  return {'ok', tostring(now), '-1', revocations, broken, taken}
end
if marks[1] and seq <= tonumber(marks[1]) then
  for i = 1, 4 * n do
    local name = seq .. '/' .. i
    if redis.call('HEXISTS', KEYS[2], name) == 1 then
      taken[#taken + 1] = i
      taken[#taken + 1] = redis.call('LRANGE', ARGV[4] .. name, 0, -1)
    end
  end
  return {'ok', tostring(now), '-1', revocations, broken, taken}
end

local state
-- Its key is of another type: that queue is broken, the others go on. Anything else is the state of the server, or our rights.
local function fail(source, err)
  if not string.find(err, 'WRONGTYPE', 1, true) then state = err end
  broken[#broken + 1] = source
  broken[#broken + 1] = err
end

for q = 1, n do
  local zset, hash = KEYS[3 + 2 * q], KEYS[4 + 2 * q]
  local first = redis.pcall('ZRANGE', zset, 0, 0, 'WITHSCORES')
  local refused = first.err
  if first[2] and tonumber(first[2]) <= now then refused = redis.pcall('HMGET', hash, first[1]).err end
  if refused then
    first = {} -- nothing of it is due, for all that is known: the others go on
    fail(q, refused)
  elseif first[2] and tonumber(first[2]) <= now then
    local due = redis.call('ZRANGE', zset, '-inf', now, 'BYSCORE', 'LIMIT', 0, max)
    for d = #due, 1, -1 do -- the earliest is pushed last, so it is popped first
      local raw = redis.call('HGET', hash, due[d])
      redis.call('ZREM', zset, due[d])
      local pushed = raw and redis.pcall('RPUSH', KEYS[base + tonumber(string.sub(due[d], 1, 1)) * n + q], raw)
      if type(pushed) == 'table' then redis.call('ZADD', zset, now + 60000, due[d]) -- no list: once more in a minute
      else redis.call('HDEL', hash, due[d]) end
    end
    first = redis.call('ZRANGE', zset, 0, 0, 'WITHSCORES')
  end
  if first[2] then
    local at = tonumber(first[2])
    if nextdue < 0 or at < nextdue then nextdue = at end
  end
end

local left, lanes = max, {}
local function pop(i, count)
  local got = redis.pcall('RPOP', KEYS[base + i], count)
  if not got then return 0 end
  if got.err then
    fail(i, got.err)
    return 0
  end
  local name = seq .. '/' .. i
  redis.call('RPUSH', ARGV[4] .. name, unpack(got))
  local lane = lanes[i]
  if lane then
    for j = 1, #got do lane[#lane + 1] = got[j] end
  else
    lanes[i] = got
    redis.call('HSET', KEYS[2], name, KEYS[base + i])
    taken[#taken + 1] = i
    taken[#taken + 1] = got
  end
  left = left - #got
  return #got
end

for step = 0, 3 do
  local more = {}
  for q = 1, n do -- first an equal share for each queue …
    if left <= 0 then break end
    local i = step * n + q
    local share = math.ceil(left / (n - q + 1))
    if pop(i, share) == share then more[#more + 1] = i end
  end
  for _, i in ipairs(more) do -- … then what the others left over
    if left <= 0 then break end
    pop(i, left)
  end
  if left <= 0 then break end
end
if #taken > 0 then redis.call('HSET', KEYS[3], 'last', seq)
elseif state then return redis.error_reply((string.gsub(state, '^-', ''))) end
return {'ok', tostring(now), tostring(nextdue), revocations, broken, taken}
