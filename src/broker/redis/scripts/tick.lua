-- Carries out ticks of schedule entries, each once however often it is sent: plan, counters, history and messages in one step.
-- KEYS 1 schedule, 2 set of known queues, 3 names with holds,
--      then per tick: entry, history, and per message: list, or delayed zset + delayed hash
-- ARGV 1 'tick' | 'run' (by hand), 2 id of the leader, or who runs it, 3 epoch, 4 occurrences kept, 5 number of queues, their names…,
--      then per tick: name, planned or '', next or '', due or '' (only plans), outcome, ids (JSON), '1' counts as a run | '0',
--        id that holds or '', 'skip' | 'wait', ms it holds or '', queue of what holds, number of messages, per message:
--        'l' raw | 'd' member due raw
-- Reply {'lost'} | per tick: 'sent' | 'open' | 'stale' | 'refused'
-- All that may be refused is asked before the first write of a tick: so none is carried out by half.
local byHand = ARGV[1] == 'run'
local node, epoch = ARGV[2], ARGV[3]
if byHand then
  epoch = '-'
else
  local m = redis.call('HMGET', KEYS[1], 'id', 'epoch', 'node')
  if m[1] ~= ARGV[2] or m[2] ~= epoch then return {'lost'} end
  node = m[3]
end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local a = 6 + tonumber(ARGV[5])
for i = 6, a - 1 do redis.call('SADD', KEYS[2], ARGV[i]) end

local function number(text)
  return text and string.match(text, '^%-?%d+%.?%d*$') and tonumber(text) or nil
end

-- Whether the key of each message is what it must be; and where its arguments and keys end.
local function accepted(k, at, count)
  local fine = true
  local function is(key, kind)
    local type = redis.call('TYPE', key).ok
    if type ~= 'none' and type ~= kind then fine = false end
  end
  for _ = 1, count do
    if ARGV[at] == 'l' then
      is(KEYS[k], 'list')
      k, at = k + 1, at + 2
    else
      is(KEYS[k], 'zset')
      is(KEYS[k + 1], 'hash')
      k, at = k + 2, at + 4
    end
  end
  return fine, k, at
end

local function enqueue(k, at, count)
  for _ = 1, count do
    if ARGV[at] == 'l' then
      redis.call('LPUSH', KEYS[k], ARGV[at + 1])
      k, at = k + 1, at + 2
    else
      redis.call('HSET', KEYS[k + 1], ARGV[at + 1], ARGV[at + 3])
      redis.call('ZADD', KEYS[k], ARGV[at + 2], ARGV[at + 1])
      k, at = k + 2, at + 4
    end
  end
end

-- Whether a task holds the entry open; what has held it for too long is forgotten.
local function isOpen(entry)
  local fields, open = redis.call('HGETALL', entry), false
  for f = 1, #fields, 2 do
    if string.sub(fields[f], 1, 5) == 'hold:' then
      local ends = tonumber(string.match(fields[f + 1], '^%d+'))
      if ends == 0 or (ends and ends > now) then open = true else redis.call('HDEL', entry, fields[f]) end
    end
  end
  return open
end

local function note(history, outcome, due, ids)
  if redis.call('TYPE', history).ok ~= 'list' then redis.call('DEL', history) end
  redis.call('LPUSH', history, now .. ' ' .. outcome .. ' ' .. due .. ' ' .. epoch .. ' [' .. ids .. ',' .. cjson.encode(node) .. ']')
  redis.call('LTRIM', history, 0, ARGV[4] - 1)
end

local function wasRun(history, ids) -- by hand
  if redis.call('TYPE', history).ok ~= 'list' then return false end
  local same = ' - [' .. ids .. ','
  for _, line in ipairs(redis.call('LRANGE', history, 0, ARGV[4] - 1)) do
    if string.find(line, same, 1, true) then return true end
  end
  return false
end

local function perform(k, fine, firstKey, firstArg)
  local entry, history = KEYS[k], KEYS[k + 1]
  if redis.call('TYPE', entry).ok == 'none' then return 'stale' end
  local stored = redis.pcall('HMGET', entry, 'enabled', 'over', 'planned')
  if stored.err then return 'refused' end
  local name, due, outcome, ids, hold = ARGV[a], ARGV[a + 3], ARGV[a + 4], ARGV[a + 5], ARGV[a + 7]
  if byHand then
    if wasRun(history, ids) then return 'sent' end
    due = now
  elseif stored[1] == '0' or stored[2] == '1' or number(stored[3]) ~= number(ARGV[a + 1]) then
    return 'stale'
  end
  local open = hold ~= '' and not byHand and isOpen(entry)
  if open and ARGV[a + 8] == 'wait' then return 'open' end
  if not fine and not open then return 'refused' end

  if not byHand then
    redis.call('HSET', entry, 'planned', ARGV[a + 2], 'over', ARGV[a + 2] == '' and '1' or '0')
    if due ~= '' then redis.call('HSET', entry, 'due', due) end
  end
  if open then
    if due ~= '' then note(history, 'skipped-overlap', due, '[]') end
    return 'open'
  end
  if due ~= '' then
    if ARGV[a + 6] == '1' then
      redis.call('HSET', entry, 'sent', now, 'by', node)
      if not number(redis.call('HGET', entry, 'runs')) then redis.call('HSET', entry, 'runs', '0') end
      redis.call('HINCRBY', entry, 'runs', 1)
    end
    note(history, outcome, due, ids)
  end
  if hold ~= '' then
    local ends = ARGV[a + 9] == '' and 0 or now + math.ceil(tonumber(ARGV[a + 9]))
    redis.call('HSET', entry, 'hold:' .. hold, string.format('%.0f ', ends) .. ARGV[a + 10])
    redis.call('SADD', KEYS[3], name)
  end
  enqueue(firstKey, firstArg, tonumber(ARGV[a + 11]))
  return 'sent'
end

local reply, k = {}, 4
while a <= #ARGV do
  local firstKey, firstArg = k + 2, a + 12
  local fine, nextKey, nextArg = accepted(firstKey, firstArg, tonumber(ARGV[a + 11]))
  reply[#reply + 1] = perform(k, fine, firstKey, firstArg)
  k, a = nextKey, nextArg
end
return reply
