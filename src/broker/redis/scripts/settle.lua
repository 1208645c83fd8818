-- Settles positions of lanes; each position once, however often it is sent. Used by the owner, and after the fence by the reaper.
-- KEYS 1 epoch, 2 lanes (hash), 3 scratch, 4 start records (hash)
-- ARGV 1 'owner' | 'reaper', 2 prefix of lane keys, 3 prefix of done keys, 4 db of the broker,
--      5 db and 6 ttl-ms of the plain results, then per lane:
--        name, size, number of positions; the plain ones in lines: position, key and value of the result (both empty: none);
--        number of the others, per position: position, number of ops, ops:
--          'r' db key value ttl-ms        a result: stored (0 = for ever) and published; a stored SUCCESS stays
--          'l' list raw                   to the back of a list      'f' list raw    to its front
--          'd' zset hash member due raw   kept until due             'x' list json   dead letter
--          'e'                            ends a start record        'b'             blanks the bytes in the lane
--          'h' entry field                holds a schedule entry open no more
--          'k' entry field queue          goes on holding it, from a message in that queue
-- Reply {'lost'} | {'ok', lane, position, error, …}: positions of which something was refused stay leased. Results come first: what they
-- tell must not be acked and then refused (an access list that was changed meanwhile).
-- The first write is a DEL: then the rest passes at maxmemory.
local owner = ARGV[1] == 'owner'
if (redis.call('EXISTS', KEYS[1]) == 1) ~= owner then return {'lost'} end
redis.call('DEL', KEYS[3])
local reply = {'ok'}
local find, sub = string.find, string.sub
local WIDTH = { r = 4, l = 2, f = 2, d = 5, x = 2, e = 0, b = 0, h = 2, k = 3 }

local home, db = ARGV[4], ARGV[4]

-- Into database `at`; what was refused, if it was.
local function go(at)
  if at == db then return end
  local r = redis.pcall('SELECT', at)
  if r.err then return r.err end
  db = at
end

-- Stores a result and tells who waits. What was refused, if it was: then it may be stored and not told, and is done again as a whole.
local function store(at, key, value, ttl)
  local refused = go(at)
  if refused then return refused end
  local r
  if ttl == '0' then r = redis.pcall('SET', key, value, 'NX')
  else r = redis.pcall('SET', key, value, 'NX', 'PX', ttl) end
  if not r then -- there is one: the rare case, and only then is it looked at
    local start = redis.pcall('GETRANGE', key, 0, 19)
    if start == '{"status": "SUCCESS"' or start == '{"status":"SUCCESS",' then
      if redis.pcall('GET', key) ~= value then return end
    end
    if ttl == '0' then r = redis.pcall('SET', key, value)
    else r = redis.pcall('SET', key, value, 'PX', ttl) end
  end
  if r.err then return r.err end
  r = redis.pcall('PUBLISH', key, value)
  if type(r) == 'table' then return r.err end
end

local function report(lane, position, refused)
  reply[#reply + 1] = lane
  reply[#reply + 1] = position
  reply[#reply + 1] = refused
end

-- Of several messages none is sent unless all can be: a script is not rolled back, and whoever hears of the refusal says all of it once more.
local KINDS = { l = 'list', f = 'list', x = 'list', d = 'zset' }
local function barred(a, count)
  local sent, messages = a, 0
  for _ = 1, count do
    local op = ARGV[a]
    if op == 'd' then messages = messages + 2 elseif KINDS[op] then messages = messages + 1 end
    a = a + 1 + WIDTH[op]
  end
  if messages < 2 then return end
  a = sent
  for _ = 1, count do
    local op = ARGV[a]
    if KINDS[op] then
      local kind = redis.pcall('TYPE', ARGV[a + 1])
      if kind.err then return kind.err end
      if kind.ok ~= 'none' and kind.ok ~= KINDS[op] then return 'WRONGTYPE Operation against a key holding the wrong kind of value' end
    end
    a = a + 1 + WIDTH[op]
  end
end

local function perform(lane, position, a, count)
  local refused = barred(a, count)
  local at = a
  for _ = 1, count do
    if ARGV[at] == 'r' and not refused then refused = store(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]) end
    at = at + 1 + WIDTH[ARGV[at]]
  end
  go(home)
  if refused then return refused, at end
  for _ = 1, count do
    local op = ARGV[a]
    local r
    if op == 'l' then r = redis.pcall('LPUSH', ARGV[a + 1], ARGV[a + 2])
    elseif op == 'f' then r = redis.pcall('RPUSH', ARGV[a + 1], ARGV[a + 2])
    elseif op == 'x' then r = redis.pcall('LPUSH', ARGV[a + 1], ARGV[a + 2])
    elseif op == 'd' then
      r = redis.pcall('HSET', ARGV[a + 2], ARGV[a + 3], ARGV[a + 5])
      if type(r) == 'number' then r = redis.pcall('ZADD', ARGV[a + 1], ARGV[a + 4], ARGV[a + 3]) end
    elseif op == 'e' then redis.call('HDEL', KEYS[4], lane .. ':' .. position)
    elseif op == 'b' then redis.pcall('LSET', ARGV[2] .. lane, position, '')
    elseif op == 'h' then redis.pcall('HDEL', ARGV[a + 1], ARGV[a + 2])
    elseif op == 'k' then
      local held = redis.pcall('HGET', ARGV[a + 1], ARGV[a + 2])
      if type(held) == 'string' then redis.call('HSET', ARGV[a + 1], ARGV[a + 2], string.match(held, '^%d*') .. ' ' .. ARGV[a + 3]) end
    end
    if type(r) == 'table' and r.err then return r.err, at end -- nor what follows it: its bytes and its start record are still needed
    a = a + 1 + WIDTH[op]
  end
  return nil, a
end

local function skip(a, count)
  for _ = 1, count do a = a + 1 + WIDTH[ARGV[a]] end
  return a
end

local a = 7
while a <= #ARGV do
  local lane, size, all, lines, count = ARGV[a], tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), ARGV[a + 3], tonumber(ARGV[a + 4])
  a = a + 5
  local stands = redis.call('HEXISTS', KEYS[2], lane) == 1
  local done = ARGV[3] .. lane
  -- A lane settled whole in one go needs no notes: that it is gone is the note.
  local whole = stands and all == size and redis.call('EXISTS', done) == 0
  local fine, noted = true, {}
  local positions, keys, values = {}, {}, {}
  local from = 1
  while stands and from <= #lines do
    local p = find(lines, '\n', from, true)
    local k = find(lines, '\n', p + 1, true)
    local v = find(lines, '\n', k + 1, true) or #lines + 1
    local position = sub(lines, from, p - 1)
    if whole or redis.call('SISMEMBER', done, position) == 0 then
      if k > p + 1 then
        local n = #positions + 1
        positions[n], keys[n], values[n] = position, sub(lines, p + 1, k - 1), sub(lines, k + 1, v - 1)
      else
        noted[#noted + 1] = position
      end
    end
    from = v + 1
  end
  for i, position in ipairs(positions) do
    local refused = store(ARGV[5], keys[i], values[i], ARGV[6])
    if refused then
      fine = false
      report(lane, position, refused)
    else
      noted[#noted + 1] = position
    end
  end
  go(home)
  for _ = 1, count do
    local position, ops = ARGV[a], tonumber(ARGV[a + 1])
    a = a + 2
    if not stands or (not whole and redis.call('SISMEMBER', done, position) == 1) then
      a = skip(a, ops)
    else
      local refused
      refused, a = perform(lane, position, a, ops)
      if refused then
        fine = false
        report(lane, position, refused)
      else
        noted[#noted + 1] = position
      end
    end
  end
  if stands then
    local finished = whole and fine
    if not finished and #noted > 0 then
      redis.call('SADD', done, unpack(noted))
      finished = redis.call('SCARD', done) >= size
    end
    if finished then
      redis.call('DEL', ARGV[2] .. lane, done)
      redis.call('HDEL', KEYS[2], lane)
    end
  end
end
return reply
